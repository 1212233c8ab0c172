//! The arguments of `raw-database`.

use std::time::Duration;

use clap::Parser;

use crate::measure::Sweep;

/// Write the rows that a worker has written, by multi-row inserts in transactions, as fast as the database takes them
///
/// The tables in --into are created like those in --from, with all indexes, and dropped at the end. --into must hold
/// no other table; if there is no such database, it is created for this run. Exit codes: 0 done, 1 the database
/// refused or lost rows, 2 wrong usage, 3 it can't be reached.
#[derive(Debug, Clone, Parser)]
#[command(name = "raw-database", version)]
pub struct Args {
    /// A database that workers have filled; it is only read
    #[arg(
        long,
        value_name = "URL",
        env = "XIEBAO__DATABASE__URL",
        hide_env_values = true
    )]
    pub from: String,
    /// An empty database to write to
    #[arg(long, value_name = "URL")]
    pub into: String,
    /// Take whole proposals until they have this number of notices
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub notices: u32,
    /// How long each shape of load is measured, without the time in which full tables are emptied
    #[arg(long, value_name = "S", default_value_t = 4.0, value_parser = seconds)]
    pub seconds: f64,
    /// The number of windows, whose median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub windows: u32,
    /// The shapes of load: transactions of 10, 100 and 500 notices on 1, 2 and 4 connections; full: also of 50 and
    /// 200
    #[arg(long, value_enum, default_value_t = Sweep::Quick)]
    pub sweep: Sweep,
    /// Measure one shape of load only, with transactions of this number of notices
    #[arg(long, value_name = "N", requires = "connections", conflicts_with = "sweep",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: Option<u32>,
    /// The number of connections that write at the same time, each other proposals
    #[arg(long, value_name = "C", requires = "batch", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub connections: Option<u16>,
    /// Print JSON on standard output instead of text
    #[arg(long)]
    pub json: bool,
}

/// A shape of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Notices in a transaction.
    pub batch: usize,
    pub connections: usize,
}

impl Args {
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub fn shapes(&self) -> Vec<Shape> {
        match (self.batch, self.connections) {
            (Some(batch), Some(connections)) => vec![Shape {
                batch: batch as usize,
                connections: connections.into(),
            }],
            _ => sweep(self.sweep),
        }
    }
}

fn sweep(sweep: Sweep) -> Vec<Shape> {
    let batches: &[usize] = match sweep {
        Sweep::Quick => &[10, 100, 500],
        Sweep::Full => &[10, 50, 100, 200, 500],
    };
    let all = [1, 2, 4]
        .into_iter()
        .flat_map(|connections| batches.iter().map(move |&batch| Shape { batch, connections }));
    all.collect()
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number from 0.1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(more: &[&str]) -> Result<Args, clap::Error> {
        let fixed = ["raw-database", "--from", "mysql://a/b", "--into", "mysql://a/c"];
        Args::try_parse_from(fixed.iter().chain(more))
    }

    #[test]
    fn a_full_sweep_has_all_sizes_on_all_connections() {
        let shapes = line(&["--sweep", "full"]).expect("arguments").shapes();
        assert_eq!(shapes.len(), 15);
        for connections in [1, 2, 4] {
            for batch in [10, 50, 100, 200, 500] {
                assert!(shapes.contains(&Shape { batch, connections }));
            }
        }
    }

    #[test]
    fn one_shape_is_named_by_both_its_numbers() {
        let both = line(&["--batch", "200", "--connections", "2"]).expect("both");
        assert_eq!(
            both.shapes(),
            [Shape {
                batch: 200,
                connections: 2
            }]
        );
        assert!(line(&["--batch", "200"]).is_err());
        assert!(line(&["--connections", "2"]).is_err());
    }
}
