//! Measures how many notices a second the database stores, as rows.

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

/// A run before the first measurement, because the server's caches are cold.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often the same rows are written in one shape of load. With more rounds, emptying the tables takes most of the
/// time.
const ROUNDS: usize = 10;

/// The result of one shape of load.
#[derive(Debug, Clone, Serialize)]
struct DatabasePoint {
    /// Notices in a transaction.
    batch: usize,
    connections: usize,
    /// Notices a second: the median of the windows.
    rate: f64,
    windows: Vec<f64>,
}

/// Runs `raw-database` and prints its figures.
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

async fn sweep(args: &Args, source: &Source, scratch: &mut Scratch) -> Result<Vec<DatabasePoint>, Failure> {
    let mut points = Vec::new();
    let shapes = args.shapes();
    if let Some(shape) = shapes.last() {
        write_shape(*shape, WARM_UP, source, scratch).await?;
    }
    eprintln!("connections  notices a transaction  notices/s   windows");
    for shape in shapes {
        let written = write_shape(shape, args.length(), source, scratch).await?;
        let rates = windows(&written.commits, written.time, args.length() / args.windows);
        let point = DatabasePoint {
            batch: shape.batch,
            connections: shape.connections,
            rate: rounded(median(&rates)),
            windows: rates.into_iter().map(rounded).collect(),
        };
        print_point(&point);
        points.push(point);
    }
    Ok(points)
}

fn print_point(point: &DatabasePoint) {
    let windows: Vec<String> = point.windows.iter().map(|rate| format!("{rate:.0}")).collect();
    let DatabasePoint {
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

/// Writes for `length`, without the time in which the tables are emptied.
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
        let (committed, stored) = (written.notices(), scratch.notices().await?);
        if committed != stored {
            return Err(Failure::Broken(format!(
                "{committed} notices were committed, but {stored} are stored"
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

fn report(args: &Args, source: &Source, points: &[DatabasePoint]) -> Result<(), Failure> {
    let Some(top) = best(points, |point| point.rate) else {
        return Err(Failure::Usage("there is no shape of load to try".to_owned()));
    };
    let DatabasePoint {
        batch,
        connections,
        rate,
        windows,
    } = top;
    if args.json {
        let json = json!({
            "rate": rate,
            "batch": batch,
            "connections": connections,
            "windows": windows,
            "rows_per_notice": (source.rows_per_notice() * 100.0).round() / 100.0,
            "notices": source.notices(),
            "sweep": points,
        });
        println!("{json}");
    } else {
        println!("{rate:.0} notices/s in transactions of {batch} on {connections} connections");
    }
    Ok(())
}
