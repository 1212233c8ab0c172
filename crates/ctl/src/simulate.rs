//! `xiebao simulate`: plays the platform, and compares the rows with the expectation.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use xiebao_runtime::config::Needs;
use xiebao_simulator::Settings;
use xiebao_simulator::http::Target;
use xiebao_simulator::platform::ResendRule;
use xiebao_simulator::run::Run;
use xiebao_simulator::scenario::Extent;
use xiebao_simulator::sender::Pace;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::input::{positive, share};
use crate::output::{complain, show, show_json};

const EXAMPLES: &str = "\
The seed determines the stories: played again, all their notices are duplicates, and the rows must still be right.
Exit code 1 if a row is lost, extra or differing, or if the platform gave a notice up.

Examples:
  xiebao simulate --proposals 2000 --disorder 1 --duplicates 0.3
  xiebao simulate --url http://127.0.0.1:8080/notices,http://127.0.0.1:8081/notices --rate 2000 --seed 7
  xiebao simulate --proposals 100000 --connections 256 --no-verify --json";

/// Play the platform: send whole life stories of proposals, and compare the database with them
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The URLs to post to, in turn [default: receiver.listen and receiver.path]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    url: Vec<String>,
    /// How many proposals to play
    #[arg(long, value_name = "N", default_value_t = 500)]
    proposals: usize,
    /// Play stories with this many distinct notices in total, instead of a number of proposals
    #[arg(long, value_name = "N", conflicts_with = "proposals")]
    notices: Option<usize>,
    /// The seed of the stories [default: random, and printed]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Share of stories whose notices come in random order
    #[arg(long, value_name = "0..1", default_value_t = 0.5, value_parser = share)]
    disorder: f64,
    /// Share of notices that are sent again
    #[arg(long, value_name = "0..1", default_value_t = 0.2, value_parser = share)]
    duplicates: f64,
    /// Share of steps that are reported failed, mostly before they succeed
    #[arg(long, value_name = "0..1", default_value_t = 0.1, value_parser = share)]
    failures: f64,
    /// Share of stories in which a predecessor never comes: later notices wait for sequencing.*.max_wait
    #[arg(long, value_name = "0..1", default_value_t = 0.0, value_parser = share)]
    missing_predecessors: f64,
    /// Notices per second, however fast the receiver answers [default: as fast as it answers]
    #[arg(long, value_name = "R", value_parser = positive)]
    rate: Option<f64>,
    /// Connections kept open
    #[arg(long, value_name = "C", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// How many times faster the platform's clock runs when it sends again (after 3 s, then hourly, five times)
    #[arg(long, value_name = "F", default_value_t = 360.0, value_parser = positive)]
    time_scale: f64,
    /// The partner of the notices [default: the first one in the keys file]
    #[arg(long, value_name = "ID")]
    partner: Option<i64>,
    /// The partners' keys [default: keys_file of the configuration]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Stop waiting for the database when it has not changed for this long
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = positive)]
    settle: f64,
    /// The database to compare with [default: database.url]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Only send; do not compare the database
    #[arg(long)]
    no_verify: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let signer = context.signer(args.key_file.as_deref(), args.partner)?;
    let settings = Settings {
        // Short enough to be typed again.
        seed: args.seed.unwrap_or_else(|| rand::random::<u32>().into()),
        partner_id: signer.partner_id(),
        failures: args.failures,
        missing_predecessors: args.missing_predecessors,
    };
    let run = Run {
        settings,
        signer,
        extent: args.extent(),
        disorder: args.disorder,
        duplicates: args.duplicates,
        pace: args.pace(),
        targets: args.targets(context)?,
        database: args.database_url(context)?,
        patience: Duration::from_secs_f64(args.settle),
        lang: context.lang,
    };
    complain(&format!(
        "{} {}\n",
        context.lang.pick("种子", "seed"),
        settings.seed
    ));
    let report = run.play().await?;
    if args.json {
        show_json(&report)?;
    } else {
        show(&report.in_words(context.lang))?;
    }
    Ok(if report.is_clean() { Exit::Done } else { Exit::No })
}

impl Args {
    fn extent(&self) -> Extent {
        self.notices
            .map_or(Extent::Proposals(self.proposals), Extent::Notices)
    }

    fn pace(&self) -> Pace {
        let rule = ResendRule {
            time_scale: self.time_scale,
        };
        Pace {
            connections: self.connections.into(),
            rate: self.rate,
            rule,
        }
    }

    fn targets(&self, context: &Context) -> Result<Vec<Target>, Failure> {
        let urls = if self.url.is_empty() {
            vec![context.receiver_url()?]
        } else {
            self.url.clone()
        };
        let targets: Result<Vec<Target>, _> = urls.iter().map(|url| Target::parse(url)).collect();
        targets.map_err(|error| Failure::Usage(error.to_string()))
    }

    /// `None`: the database is not to be looked at.
    fn database_url(&self, context: &Context) -> Result<Option<String>, Failure> {
        match &self.database {
            _ if self.no_verify => Ok(None),
            Some(url) => Ok(Some(url.clone())),
            None => {
                let config = context.config(Needs::NOTHING)?;
                Ok(Some(config.require_database()?.url.expose().to_owned()))
            }
        }
    }
}
