//! Measures how many notices a second the broker confirms, and how fast.

mod args;
mod fixed_rate;
mod messages;
mod publisher;
mod scratch_queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

pub use args::Args;
use args::Shape;
use messages::Messages;
use publisher::{ConfirmCount, Publisher};
use scratch_queue::ScratchQueue;

use crate::Failure;
use crate::measure::{best, median, rounded};
use crate::signals::unless_stopped;

/// The longest time that the broker may leave messages unconfirmed.
const CONFIRM_WITHIN: Duration = Duration::from_secs(30);
/// After a queue is deleted the broker still cleans up.
const PAUSE: Duration = Duration::from_millis(300);

/// The result of one shape of load.
#[derive(Debug, Clone, Serialize)]
struct BrokerPoint {
    channels: usize,
    in_flight: usize,
    /// Confirms a second: the median of the windows.
    rate: f64,
    windows: Vec<f64>,
}

/// Runs `raw-broker` and prints its figures.
pub async fn run(args: Args) -> Result<(), Failure> {
    let messages = Arc::new(Messages::read(&args.bodies)?);
    if let Some(rate) = args.rate {
        return run_fixed_rate(&args, rate, messages).await;
    }
    if let Some(shape) = args.shape() {
        let point = run_shape(&args, shape, &messages).await?;
        let json = json!({"rate": point.rate, "windows": point.windows});
        print(&args, &json, || format!("{:.0} notices/s", point.rate));
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
        let BrokerPoint {
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
    let json = json!({
        "rate": top.rate,
        "channels": top.channels,
        "in_flight": top.in_flight,
        "connections": args.connections,
        "sweep": points,
    });
    print(args, &json, || {
        let BrokerPoint {
            channels,
            in_flight,
            rate,
            ..
        } = top;
        format!("{rate:.0} notices/s with {channels} channels and {in_flight} in flight")
    });
    Ok(())
}

async fn run_fixed_rate(args: &Args, rate: f64, messages: Arc<Messages>) -> Result<(), Failure> {
    let queue = ScratchQueue::open(&args.url, args.connections.into()).await?;
    let figures = unless_stopped(fixed_rate::measure(args, rate, &queue, messages)).await;
    queue.clear().await?;
    let figures = figures?;
    print(args, &json!(figures), || {
        format!(
            "{:.0} notices/s of {rate}: confirmed in {:.2} ms (p50), {:.2} ms (p99), {:.2} ms (p99.9)",
            figures.achieved, figures.p50_ms, figures.p99_ms, figures.p999_ms
        )
    });
    Ok(())
}

async fn run_shape(args: &Args, shape: Shape, messages: &Arc<Messages>) -> Result<BrokerPoint, Failure> {
    let connections = usize::from(args.connections).min(shape.channels);
    let queue = ScratchQueue::open(&args.url, connections).await?;
    let windows = unless_stopped(rates_of_windows(args, shape, &queue, messages)).await;
    let cleared = queue.clear().await;
    let windows = windows?;
    cleared?;
    Ok(BrokerPoint {
        channels: shape.channels,
        in_flight: shape.in_flight,
        rate: rounded(median(&windows)),
        windows: windows.into_iter().map(rounded).collect(),
    })
}

/// Publishes as fast as possible, and returns the confirms a second of each window.
async fn rates_of_windows(
    args: &Args,
    shape: Shape,
    queue: &ScratchQueue,
    messages: &Arc<Messages>,
) -> Result<Vec<f64>, Failure> {
    let confirms = Arc::new(ConfirmCount::default());
    let mut publishers = JoinSet::new();
    for (number, window) in shape.shares().enumerate() {
        let publisher = Publisher {
            channel: queue.channel(number).await?,
            exchange: queue.exchange(),
            messages: messages.clone(),
            first: number as u64,
            step: shape.channels as u64,
        };
        publishers.spawn(publisher.keep_in_flight(window, confirms.clone()));
    }
    let mut rates = Vec::new();
    let watching = async {
        tokio::time::sleep(args.warm_up()).await;
        for _ in 0..args.windows {
            rates.push(rate_of_window(&confirms, args.length() / args.windows).await);
        }
        confirms.end();
        std::future::pending::<Failure>().await
    };
    let limit = args.warm_up() + args.length();
    tokio::select! {
        ended = join_all_within(publishers, limit) => ended.map(drop)?,
        failure = watching => return Err(failure),
    }
    Ok(rates)
}

async fn rate_of_window(confirms: &ConfirmCount, length: Duration) -> f64 {
    let (start, before) = (Instant::now(), confirms.confirmed());
    tokio::time::sleep(length).await;
    (confirms.confirmed() - before) as f64 / start.elapsed().as_secs_f64()
}

/// The results of all tasks. Fails if the broker leaves them waiting beyond `limit`, the time that their work takes.
async fn join_all_within<T: 'static>(
    mut publishers: JoinSet<Result<T, Failure>>,
    limit: Duration,
) -> Result<Vec<T>, Failure> {
    let all = async {
        let mut results = Vec::new();
        while let Some(ended) = publishers.join_next().await {
            results.push(ended.map_err(|e| Failure::Broken(e.to_string()))??);
        }
        Ok(results)
    };
    match tokio::time::timeout(limit + CONFIRM_WITHIN, all).await {
        Ok(results) => results,
        Err(_) => Err(Failure::Broken(format!(
            "the broker left messages unconfirmed for {CONFIRM_WITHIN:?}"
        ))),
    }
}

fn print(args: &Args, json: &serde_json::Value, words: impl Fn() -> String) {
    match args.json {
        true => println!("{json}"),
        false => println!("{}", words()),
    }
}
