mod message;
mod pace;
mod passage;

use std::time::Duration;

use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::{clock, shutdown};
use xiebao_worker::store::dead_letters::{self, Filter};

use super::choice::Choice;
use super::groups::{self, GroupView};
use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::screen::show;
use crate::words::Words;
use pace::Pace;
use passage::{Passage, Tally};

/// How long the broker has to confirm one.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Each is decided anew, as if it had just come: what was put right in the meantime lets it pass, what was
not makes it a dead letter again. Only what was dead when the command began is taken, each once. It may be
interrupted at any moment and run again: what was put back twice is applied once. A filter finds open ones
unless --status says otherwise. Exit code 1 if any can't be requeued, none is found, or Ctrl-C ended it.

Examples:
  xiebao dead requeue 12 13
  xiebao dead requeue --reason timed_out --since 2h --dry-run
  xiebao dead requeue --reason apply_failed --rate 200
  xiebao dead requeue --all";

/// Put dead letters back on the queue: some, a group, all that match, or all
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
    /// How many a second at most [default: as fast as it goes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.lang.words();
    let (reason, status) = (args.reason.as_deref(), args.status.as_deref());
    let mut filter = args.choice.filter(reason, status, clock::now())?;
    let named = args.choice.named();
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    if named.is_empty() {
        filter.cut_off = Some(dead_letters::cut_off(&mut conn).await?);
    }
    let missing = missing(&mut conn, &named, &filter).await?;
    let groups = dead_letters::groups(&mut conn, &filter).await?;
    let groups: Vec<GroupView> = groups.into_iter().map(GroupView::of).collect();
    let total: i64 = groups.iter().map(|group| group.count).sum();
    if args.choice.dry_run && total > 0 {
        show(&words.would_requeue(total));
        show(&groups::table(&groups, words));
    }
    let mut exit = Exit::Done;
    if !args.choice.dry_run && total > 0 {
        let passage = passage(&database, args.rate, context)?;
        let (tally, end) = passage.carry(&mut conn, &filter, total).await;
        report(&tally, &named, total, words);
        end?;
        if tally.interrupted || tally.wreck_count > 0 {
            exit = Exit::No;
        }
    }
    missing.iter().for_each(|id| show(&words.no_such_letter(*id)));
    if named.is_empty() && total == 0 {
        show(words.no_dead_letters());
    }
    Ok(if missing.is_empty() && total > 0 {
        exit
    } else {
        Exit::No
    })
}

fn passage(database: &Database, rate: Option<u32>, context: &Context) -> Result<Passage, Failure> {
    let amqp = database.config.require_amqp()?;
    let publisher = Publisher::start(amqp, "xiebao dead requeue", 1, PUBLISH_TIMEOUT);
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    Ok(Passage {
        publisher: publisher.map_err(|error| Failure::Unreachable(error.to_string()))?,
        pace: Pace::new(rate),
        page: Passage::page_at(rate),
        actor: context.actor(),
        stop,
    })
}

/// The named ones that do not exist.
async fn missing(conn: &mut Connection, named: &[i64], filter: &Filter) -> Result<Vec<i64>, Failure> {
    if named.is_empty() {
        return Ok(vec![]);
    }
    let found = dead_letters::select(conn, filter, i64::MAX).await?;
    let exists = |id: &i64| found.iter().any(|letter| letter.id == *id);
    Ok(named.iter().copied().filter(|id| !exists(id)).collect())
}

fn report(tally: &Tally, named: &[i64], total: i64, words: &dyn Words) {
    if named.is_empty() {
        show(&words.requeued_all(tally.requeued.len(), &tally.by_reason));
    } else {
        tally.requeued.iter().for_each(|id| show(&words.requeued(*id)));
    }
    for (id, why) in &tally.wrecks {
        show(&words.not_requeueable(*id, why));
    }
    if tally.wreck_count > tally.wrecks.len() {
        show(&words.more_not_requeueable(tally.wreck_count - tally.wrecks.len()));
    }
    if tally.interrupted {
        let looked_at = i64::try_from(tally.looked_at()).unwrap_or(total);
        show(&words.interrupted((total - looked_at).max(0)));
    }
}
