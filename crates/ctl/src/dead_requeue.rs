//! `xiebao dead requeue`: puts dead letters back on the queue.

use std::time::Duration;

use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_desk::dead::{DeadLetterStatus, requeue};
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_runtime::{clock, shutdown};

use crate::choice::Choice;
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::pace::Pace;
use crate::requeuer::Requeuer;

/// How long the broker may take to confirm one message.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Each is processed as if it had just come: if the cause is repaired, it is applied, and otherwise it becomes
a dead letter again. Only letters that were dead when the command began are taken, each once. The command may be
interrupted at any moment and run again: a notice requeued twice is applied once. A filter finds open letters
unless --status names another. Exit code 1 if any cannot be requeued, none is found, or Ctrl-C ended it.

Examples:
  xiebao dead requeue 12 13
  xiebao dead requeue --reason timed_out --since 2h --dry-run
  xiebao dead requeue --reason apply_failed --rate 200
  xiebao dead requeue --all";

/// Put dead letters back on the queue: named ones, a group, all that match, or all
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Only those of this group of causes
    #[arg(long, value_name = "REASON", value_parser = Reason::ALL.map(Reason::name))]
    reason: Option<String>,
    /// Only those of this status [default: open]
    #[arg(long, value_name = "STATUS", value_parser = ["open", "requeued", "discarded"])]
    status: Option<String>,
    /// How many per second at most [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.words();
    let (reason, status) = (
        args.reason.as_deref(),
        args.status.as_deref().map(DeadLetterStatus::of),
    );
    let choice = args.choice.choice(reason, status, clock::now())?;
    let database = Database::reach(context).await?;
    let chosen = requeue::choose(&database.store, &choice).await?;
    let mut is_whole = chosen.is_whole();
    if chosen.total == 0 && !chosen.by_number {
        show(words.no_dead_letters())?;
    } else if args.choice.dry_run && chosen.total > 0 {
        show(&chosen.rehearsal_page(words))?;
    } else if chosen.total > 0 {
        let requeuer = requeuer(&database, args.rate, context)?;
        let (progress, end) = requeuer.run(&database.store, &chosen).await;
        show(&progress.page(&chosen, words))?;
        end?;
        is_whole &= progress.is_whole();
    }
    show(&chosen.missing_page(words))?;
    Ok(Exit::of_found(is_whole))
}

fn requeuer(database: &Database, rate: Option<u32>, context: &Context) -> Result<Requeuer, Failure> {
    let amqp = database.config.require_amqp()?;
    let publisher = NoticePublisher::start(amqp, "xiebao dead requeue", 1, PUBLISH_TIMEOUT);
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    Ok(Requeuer {
        publisher: publisher.map_err(|error| Failure::Unreachable(error.to_string()))?,
        pace: Pace::new(rate),
        page: Requeuer::page_at(rate),
        actor: context.actor(),
        stop,
    })
}
