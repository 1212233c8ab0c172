//! The arguments, most of them given by `scripts/bench`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::extent::Extent;

/// Measure the services and the ceilings that broker and database set
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Args {
    /// Under five minutes: short runs, without the long measurements
    #[arg(long)]
    pub quick: bool,
    /// Measure these parts only [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Part>,
    /// Write the figures there
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the figures there, and the tables into the page beside it
    #[arg(long, value_name = "DIRECTORY")]
    pub performance: Option<PathBuf>,
    /// The directory of the programs
    #[arg(long, value_name = "DIRECTORY")]
    pub programs: PathBuf,
    /// The commit that was built
    #[arg(long, value_name = "HASH")]
    pub commit: Option<String>,
    /// Name and release of the broker
    #[arg(long, value_name = "NAME")]
    pub broker: Option<String>,
    /// Name and release of the database
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// The seed of the stories
    #[arg(long, value_name = "S", default_value_t = 4)]
    pub seed: u64,
}

/// The parts of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Raw broker and raw database
    Ceilings,
    /// The receiver alone
    Receiver,
    /// The worker draining a backlog
    Worker,
    /// From the HTTP request to committed rows
    Whole,
    /// Draining into a database that holds millions of notices
    Growth,
    /// From exec to ready
    Start,
    /// Resident memory over ten minutes; not in a quick run
    Memory,
}

impl Args {
    pub fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub fn extent(&self) -> Extent {
        if self.quick { Extent::QUICK } else { Extent::FULL }
    }
}
