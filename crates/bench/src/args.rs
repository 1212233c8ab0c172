//! What the program is told, mostly by `scripts/bench`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::extent::Extent;

/// Measure the services, and what they stand on
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Args {
    /// Under five minutes, with short runs and without what takes long
    #[arg(long)]
    pub quick: bool,
    /// Only these parts [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Part>,
    /// Write the figures there
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write figures and picture there
    #[arg(long, value_name = "DIRECTORY")]
    pub performance: Option<PathBuf>,
    /// Where the programs are
    #[arg(long, value_name = "DIRECTORY")]
    pub programs: PathBuf,
    /// What was built
    #[arg(long, value_name = "HASH")]
    pub commit: Option<String>,
    /// Name and release of the broker
    #[arg(long, value_name = "NAME")]
    pub broker: Option<String>,
    /// Name and release of the database
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// What the stories follow from
    #[arg(long, value_name = "S", default_value_t = 4)]
    pub seed: u64,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Raw broker and raw database
    Ceilings,
    /// The receiver alone
    Receiver,
    /// The worker draining a backlog
    Worker,
    /// HTTP to committed rows
    Whole,
    /// Draining into a database that is full already
    Growth,
    /// Exec to ready
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
