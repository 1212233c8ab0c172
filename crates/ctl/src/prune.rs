//! `xiebao prune`: empties the bodies of what is old and settled.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args as ClapArgs;
use xiebao_runtime::{clock, shutdown};
use xiebao_store::prune::{self, Errand, Report};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{show, show_json};

/// Nothing younger is emptied, whatever is asked for: a slip of the keyboard must not cost the inbox.
const LEAST: Duration = Duration::from_secs(30 * 24 * 3600);

const EXAMPLES: &str = "\
Empties the bodies of proposals of which nothing has been heard for that long: the last notice, the end of
every policy's cover (without an end: never) and whatever a person did lie further back, nothing waits,
and no dead letter is open.
Key, digest, outcome, seq and times stay, so a late copy is still a duplicate; the business rows stay as they are.
A new notice of such a proposal becomes a dead letter (pruned), for its rows can't be computed any more. Closed
dead letters lose their bodies too. There is no way back but a backup.
Workers may run meanwhile. It may be interrupted at any moment and run again. Exit code 1 if it was interrupted.

Examples:
  xiebao prune --older-than 3y --dry-run
  xiebao prune --older-than 3y
  xiebao prune --older-than 400d --batch 50 --pause 100ms --json";

/// Empty the bodies of old notices, for retention: a late copy stays a duplicate
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// How long nothing has been heard of what is emptied: 3y, 400d; 30 days at least
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Duration,
    /// Only tell what would be emptied
    #[arg(long)]
    dry_run: bool,
    /// Proposals of one transaction
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
    /// How long to rest after each transaction
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = humantime::parse_duration)]
    pause: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = crate::words::of(context.lang);
    if args.older_than < LEAST {
        let least = words.duration(TimeDelta::from_std(LEAST).unwrap_or_default());
        return Err(Failure::Usage(format!(
            "--older-than {}",
            words.too_young(&least)
        )));
    }
    let database = Database::of(context)?;
    // Says where the database is, should it be out of reach.
    drop(database.connection().await?);
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    let age = TimeDelta::from_std(args.older_than).unwrap_or(TimeDelta::MAX);
    let before = clock::now().checked_sub_signed(age).unwrap_or_default();
    let actor = context.actor();
    let errand = Errand {
        before: before.max(chrono::DateTime::UNIX_EPOCH),
        batch: usize::from(args.batch),
        pause: args.pause,
        actor: (!args.dry_run).then_some(actor.as_str()),
        clock: clock::now,
    };
    let mut report = Report::default();
    let ended = prune::run(&database.store, &errand, &stop, &mut report).await;
    if args.json {
        show_json(&report)?;
    } else {
        show(&words.pruned(&report, errand.before, args.dry_run));
    }
    ended?;
    Ok(if report.complete { Exit::Done } else { Exit::No })
}
