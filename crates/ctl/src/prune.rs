//! `xiebao prune`: empties the bodies of old and settled notices.

use std::time::Duration;

use clap::Args as ClapArgs;
use xiebao_runtime::{clock, shutdown};
use xiebao_store::prune::{PruneOptions, Report};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
Empties the bodies of proposals that have been silent for that long: the last notice, the end of every
policy's cover (a policy without an end never ends) and the last operation are older, no notice waits, and no
dead letter is open.
Key, digest, outcome, seq and times stay, so a late copy is still a duplicate; the business rows stay as they are.
A new notice of such a proposal becomes a dead letter (pruned), because its rows cannot be computed any more. Closed
dead letters lose their bodies too. Only a backup can restore them.
Workers may run meanwhile. The command may be interrupted at any moment and run again. Exit code 1 if it was interrupted.

Examples:
  xiebao prune --older-than 3y --dry-run
  xiebao prune --older-than 3y
  xiebao prune --older-than 400d --batch 50 --pause 100ms --json";

/// Empty the bodies of old notices, for retention: a late copy stays a duplicate
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// How long a proposal must have been silent: 3y, 400d; 30 days at least
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Duration,
    /// Only show what would be emptied
    #[arg(long)]
    dry_run: bool,
    /// Proposals per transaction
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
    /// How long to rest after each transaction
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = humantime::parse_duration)]
    pause: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.words();
    let before = xiebao_desk::prune::before(args.older_than, clock::now());
    let before = before.map_err(|error| Failure::Usage(format!("--older-than {}", error.text(words))))?;
    let database = Database::reach(context).await?;
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    let actor = context.actor();
    let options = PruneOptions {
        before,
        batch: usize::from(args.batch),
        pause: args.pause,
        actor: (!args.dry_run).then_some(actor.as_str()),
        clock: clock::now,
    };
    let mut report = Report::default();
    let ended = xiebao_store::prune::run(&database.store, &options, &stop, &mut report).await;
    if args.json {
        show_json(&report)?;
    } else {
        show(&xiebao_desk::prune::page(&report, before, args.dry_run, words))?;
    }
    ended?;
    Ok(Exit::of_found(report.complete))
}
