//! How many notices' rows a second the database takes.

mod args;
mod proposals;
mod scratch;
mod source;
mod statements;
mod write;

use std::time::Duration;

use mysql_async::{Conn, Opts};
use serde::Serialize;
use serde_json::json;

pub use args::Args;
use args::Shape;
use scratch::{Scratch, unreachable};
use source::Source;
use write::{Written, write};

use crate::Failure;
use crate::measure::{best, median, rounded, windows};
use crate::signals::unless_stopped;

/// Written and forgotten before the first measurement: the server's memory is cold.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often the same rows are written in one shape of load. With more, emptying the tables would take most of the time.
const ROUNDS: usize = 10;

/// What a shape of load gave.
#[derive(Debug, Clone, Serialize)]
struct Point {
    /// Notices a transaction.
    batch: usize,
    connections: usize,
    /// Notices a second: the median of the windows.
    rate: f64,
    windows: Vec<f64>,
}

/// Measures what is asked for, and prints it.
pub async fn run(args: Args) -> Result<(), Failure> {
    let opts = Opts::from_url(&args.from).map_err(mysql_async::Error::from)?;
    let mut from = Conn::new(opts).await.map_err(unreachable)?;
    let source = Source::read(&mut from, args.notices).await?;
    eprintln!(
        "{} notices of {} proposals, {:.2} rows a notice in {} tables",
        source.notices(),
        source.proposals.len(),
        source.rows_per_notice(),
        source.tables.len()
    );
    let mut scratch = Scratch::claim(&mut from, &args.into, source.tables.clone()).await?;
    let points = unless_stopped(sweep(&args, &source, &mut scratch)).await;
    let cleared = scratch.clear().await;
    let points = points?;
    cleared?;
    report(&args, &source, &points)
}

async fn sweep(args: &Args, source: &Source, scratch: &mut Scratch) -> Result<Vec<Point>, Failure> {
    let mut points = Vec::new();
    let shapes = args.shapes();
    if let Some(shape) = shapes.last() {
        write_shape(*shape, WARM_UP, source, scratch).await?;
    }
    eprintln!("connections  notices a transaction  notices/s   windows");
    for shape in shapes {
        let written = write_shape(shape, args.length(), source, scratch).await?;
        let rates = windows(&written.commits, written.time, args.length() / args.windows);
        let point = Point {
            batch: shape.batch,
            connections: shape.connections,
            rate: rounded(median(&rates)),
            windows: rates.into_iter().map(rounded).collect(),
        };
        say(&point);
        points.push(point);
    }
    Ok(points)
}

fn say(point: &Point) {
    let windows: Vec<String> = point.windows.iter().map(|rate| format!("{rate:.0}")).collect();
    let Point {
        batch,
        connections,
        rate,
        ..
    } = point;
    eprintln!(
        "{connections:>11}  {batch:>21}  {rate:>9.0}   {}",
        windows.join(" ")
    );
}

/// Writes for that long, not counting the time in which the tables are emptied.
async fn write_shape(
    shape: Shape,
    length: Duration,
    source: &Source,
    scratch: &mut Scratch,
) -> Result<Written, Failure> {
    let batches = proposals::batches(&source.proposals, shape.batch);
    let mut conns = Vec::new();
    for _ in 0..shape.connections {
        conns.push(scratch.connect().await?);
    }
    let mut all = Written::default();
    for _ in 0..ROUNDS {
        scratch.empty().await?;
        let written = write(
            &mut conns,
            scratch.tables(),
            &batches,
            length.saturating_sub(all.time),
        )
        .await?;
        let (said, stored) = (written.notices(), scratch.notices().await?);
        if said != stored {
            return Err(Failure::Broken(format!(
                "{said} notices were written, but {stored} are stored"
            )));
        }
        all.append(written);
        if all.time >= length {
            break;
        }
    }
    for conn in conns {
        conn.disconnect().await?;
    }
    Ok(all)
}

fn report(args: &Args, source: &Source, points: &[Point]) -> Result<(), Failure> {
    let Some(top) = best(points, |point| point.rate) else {
        return Err(Failure::Usage("there is no shape of load to try".to_owned()));
    };
    let Point {
        batch,
        connections,
        rate,
        windows,
    } = top;
    if args.json {
        let said = json!({
            "rate": rate,
            "batch": batch,
            "connections": connections,
            "windows": windows,
            "rows_per_notice": (source.rows_per_notice() * 100.0).round() / 100.0,
            "notices": source.notices(),
            "sweep": points,
        });
        println!("{said}");
    } else {
        println!("{rate:.0} notices/s in transactions of {batch} on {connections} connections");
    }
    Ok(())
}
