//! How many notices a second the broker confirms, and how fast.

mod args;
mod messages;
mod pace;
mod pump;
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

pub use args::Args;
use args::Shape;
use messages::Messages;
use pump::{Lane, Tally};
use stage::Stage;

use crate::Failure;
use crate::measure::{best, median, rounded};
use crate::signals::unless_stopped;

/// How long the broker may leave messages unconfirmed.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a queue was deleted: the broker still clears up behind it.
const PAUSE: Duration = Duration::from_millis(300);

/// What a shape of load gave.
#[derive(Debug, Clone, Serialize)]
struct Point {
    channels: usize,
    in_flight: usize,
    /// Confirms a second: the median of the windows.
    rate: f64,
    windows: Vec<f64>,
}

/// Measures what is asked for, and prints it.
pub async fn run(args: Args) -> Result<(), Failure> {
    let messages = Arc::new(Messages::read(&args.bodies)?);
    if let Some(rate) = args.rate {
        return run_pace(&args, rate, messages).await;
    }
    if let Some(shape) = args.shape() {
        let point = run_shape(&args, shape, &messages).await?;
        let said = json!({"rate": point.rate, "windows": point.windows});
        print(&args, &said, || format!("{:.0} notices/s", point.rate));
        return Ok(());
    }
    run_sweep(&args, &messages).await
}

async fn run_sweep(args: &Args, messages: &Arc<Messages>) -> Result<(), Failure> {
    let mut points = Vec::new();
    eprintln!("channels  in flight (of all channels)  notices/s   windows");
    for shape in args.sweep.shapes() {
        if !points.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        let point = run_shape(args, shape, messages).await?;
        let windows: Vec<String> = point.windows.iter().map(|rate| format!("{rate:.0}")).collect();
        let Point {
            channels,
            in_flight,
            rate,
            ..
        } = &point;
        eprintln!(
            "{channels:>8}  {in_flight:>27}  {rate:>9.0}   {}",
            windows.join(" ")
        );
        points.push(point);
    }
    let Some(top) = best(&points, |point| point.rate) else {
        return Err(Failure::Usage("there is no shape of load to try".to_owned()));
    };
    let said = json!({
        "rate": top.rate,
        "channels": top.channels,
        "in_flight": top.in_flight,
        "connections": args.connections,
        "sweep": points,
    });
    print(args, &said, || {
        let Point {
            channels,
            in_flight,
            rate,
            ..
        } = top;
        format!("{rate:.0} notices/s with {channels} channels and {in_flight} in flight")
    });
    Ok(())
}

async fn run_pace(args: &Args, rate: f64, messages: Arc<Messages>) -> Result<(), Failure> {
    let stage = Stage::open(&args.url, args.connections.into()).await?;
    let pace = unless_stopped(pace::measure(args, rate, &stage, messages)).await;
    stage.clear().await?;
    let pace = pace?;
    print(args, &json!(pace), || {
        format!(
            "{:.0} notices/s of {rate}: confirmed in {:.2} ms (p50), {:.2} ms (p99), {:.2} ms (p99.9)",
            pace.achieved, pace.p50_ms, pace.p99_ms, pace.p999_ms
        )
    });
    Ok(())
}

async fn run_shape(args: &Args, shape: Shape, messages: &Arc<Messages>) -> Result<Point, Failure> {
    let connections = usize::from(args.connections).min(shape.channels);
    let stage = Stage::open(&args.url, connections).await?;
    let windows = unless_stopped(pump_windows(args, shape, &stage, messages)).await;
    let cleared = stage.clear().await;
    let windows = windows?;
    cleared?;
    Ok(Point {
        channels: shape.channels,
        in_flight: shape.in_flight,
        rate: rounded(median(&windows)),
        windows: windows.into_iter().map(rounded).collect(),
    })
}

/// The rates of the windows.
async fn pump_windows(
    args: &Args,
    shape: Shape,
    stage: &Stage,
    messages: &Arc<Messages>,
) -> Result<Vec<f64>, Failure> {
    let tally = Arc::new(Tally::default());
    let mut lanes = JoinSet::new();
    for (number, window) in shape.shares().enumerate() {
        let lane = Lane {
            channel: stage.channel(number).await?,
            exchange: stage.exchange(),
            messages: messages.clone(),
            first: number as u64,
            step: shape.channels as u64,
        };
        lanes.spawn(lane.pump(window, tally.clone()));
    }
    let mut rates = Vec::new();
    let watching = async {
        tokio::time::sleep(args.warm_up()).await;
        for _ in 0..args.windows {
            rates.push(rate_of_window(&tally, args.length() / args.windows).await);
        }
        tally.end();
        std::future::pending::<Failure>().await
    };
    let limit = args.warm_up() + args.length();
    tokio::select! {
        ended = joined(lanes, limit) => ended.map(drop)?,
        failure = watching => return Err(failure),
    }
    Ok(rates)
}

async fn rate_of_window(tally: &Tally, length: Duration) -> f64 {
    let (start, before) = (Instant::now(), tally.confirmed());
    tokio::time::sleep(length).await;
    (tally.confirmed() - before) as f64 / start.elapsed().as_secs_f64()
}

/// What the lanes come to, unless the broker leaves them waiting beyond `limit`, the time that their work takes.
async fn joined<T: 'static>(
    mut lanes: JoinSet<Result<T, Failure>>,
    limit: Duration,
) -> Result<Vec<T>, Failure> {
    let all = async {
        let mut results = Vec::new();
        while let Some(ended) = lanes.join_next().await {
            results.push(ended.map_err(|e| Failure::Broken(e.to_string()))??);
        }
        Ok(results)
    };
    match tokio::time::timeout(limit + PATIENCE, all).await {
        Ok(results) => results,
        Err(_) => Err(Failure::Broken(format!(
            "the broker left messages unconfirmed for {PATIENCE:?}"
        ))),
    }
}

fn print(args: &Args, said: &serde_json::Value, words: impl Fn() -> String) {
    match args.json {
        true => println!("{said}"),
        false => println!("{}", words()),
    }
}
