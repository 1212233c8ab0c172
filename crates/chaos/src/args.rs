//! The arguments, most of them given by `scripts/chaos`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::plan::ProcessCounts;

/// Default number of notices a minute.
const NOTICES_A_MINUTE: f64 = 10_000.0;

/// Break everything under load, and see whether a notice is lost
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Args {
    /// How long faults and load go on
    #[arg(long, value_name = "M", default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// The seed of the plan and of the stories
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// The least number of distinct notices, spread over the minutes [default: 10,000 a minute]
    #[arg(long, value_name = "N")]
    notices: Option<usize>,
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    receivers: u8,
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: u8,
    /// Kill the leader of a three-node broker cluster every 20 s, and do nothing else
    #[arg(long)]
    pub cluster: bool,
    /// Write one JSON object a fault there, and a last one with the summary
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The directory of the programs
    #[arg(long, value_name = "DIRECTORY")]
    pub programs: PathBuf,
    /// The script that restarts broker and database when they were killed: scripts/services
    #[arg(long, value_name = "FILE")]
    pub services: PathBuf,
    /// The state directory of that script
    #[arg(long, value_name = "DIRECTORY", env = "XIEBAO_SERVICES_DIR")]
    pub state: PathBuf,
    /// The directory for logs
    #[arg(long, value_name = "DIRECTORY")]
    pub logs: PathBuf,
    /// The broker's address; the addresses of all nodes of a cluster, comma-separated
    #[arg(long, value_name = "URL", env = "XIEBAO__AMQP__URL", hide_env_values = true)]
    pub amqp: String,
    #[arg(
        long,
        value_name = "URL",
        env = "XIEBAO__DATABASE__URL",
        hide_env_values = true
    )]
    pub database: String,
    /// The broker's management interface; of several nodes, comma-separated
    #[arg(
        long,
        value_name = "URL",
        env = "XIEBAO_TEST__MANAGEMENT_URL",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub management: Vec<String>,
}

impl Args {
    pub fn run_length(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    pub fn notices(&self) -> usize {
        self.notices
            .unwrap_or((NOTICES_A_MINUTE * self.minutes) as usize)
            .max(1)
    }

    pub fn process_counts(&self) -> ProcessCounts {
        ProcessCounts {
            receivers: self.receivers.into(),
            workers: self.workers.into(),
        }
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (1.0..=600.0).contains(&minutes) => Ok(minutes),
        _ => Err("must be a number from 1 to 600".to_owned()),
    }
}
