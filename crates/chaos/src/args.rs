//! What the program is told, mostly by `scripts/chaos`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::plan::Crew;

/// Notices of a run of one minute, unless told otherwise.
const NOTICES_A_MINUTE: f64 = 10_000.0;

/// Break everything under load, and see whether a notice is lost
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Args {
    /// How long faults and load go on
    #[arg(long, value_name = "M", default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// What the plan and the stories follow from
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Distinct notices at least, spread over the minutes [default: 10,000 a minute]
    #[arg(long, value_name = "N")]
    notices: Option<usize>,
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    receivers: u8,
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: u8,
    /// Kill the leader of a three-node broker cluster every 20 s, and do nothing else
    #[arg(long)]
    pub cluster: bool,
    /// One JSON object a fault, and a last one with the summary
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where the programs are
    #[arg(long, value_name = "DIRECTORY")]
    pub programs: PathBuf,
    /// The script that starts what was killed of broker and database: scripts/services
    #[arg(long, value_name = "FILE")]
    pub services: PathBuf,
    /// Its state directory
    #[arg(long, value_name = "DIRECTORY", env = "XIEBAO_SERVICES_DIR")]
    pub state: PathBuf,
    /// Where logs go
    #[arg(long, value_name = "DIRECTORY")]
    pub logs: PathBuf,
    /// One address, or those of all nodes, comma-separated
    #[arg(long, value_name = "URL", env = "XIEBAO__AMQP__URL", hide_env_values = true)]
    pub amqp: String,
    #[arg(
        long,
        value_name = "URL",
        env = "XIEBAO__DATABASE__URL",
        hide_env_values = true
    )]
    pub database: String,
    /// The broker's HTTP interface; of several nodes, comma-separated
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

    pub fn crew(&self) -> Crew {
        Crew {
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
