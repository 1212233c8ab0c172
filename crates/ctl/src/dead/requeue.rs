mod message;
mod pace;
mod passage;

use std::time::Duration;

use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::{clock, shutdown};
use xiebao_store::sql::dead_letters::{self, Filter};

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

/// What is there to be requeued.
struct Chosen {
    filter: Filter,
    /// Those that were named, if it is no search.
    named: Vec<i64>,
    /// Those of them that do not exist.
    missing: Vec<i64>,
    groups: Vec<GroupView>,
    total: i64,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = crate::words::of(context.lang);
    let (reason, status) = (args.reason.as_deref(), args.status.as_deref());
    let filter = args.choice.filter(reason, status, clock::now())?;
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let chosen = Chosen::of(&mut conn, filter, args.choice.named()).await?;
    let mut exit = chosen.exit();
    if chosen.total == 0 && chosen.named.is_empty() {
        show(words.no_dead_letters());
    } else if args.choice.dry_run && chosen.total > 0 {
        show(&words.would_requeue(chosen.total));
        show(&groups::table(&chosen.groups, words));
    } else if chosen.total > 0 {
        let passage = passage(&database, args.rate, context)?;
        let (tally, end) = passage.carry(&mut conn, &chosen.filter, chosen.total).await;
        report(&tally, &chosen, words);
        end?;
        if !tally.is_whole() {
            exit = Exit::No;
        }
    }
    let missing = chosen.missing.iter();
    missing.for_each(|id| show(&words.no_such_letter(*id)));
    Ok(exit)
}

impl Chosen {
    /// A search finds what is dead now.
    async fn of(conn: &mut Connection, mut filter: Filter, named: Vec<i64>) -> Result<Self, Failure> {
        if named.is_empty() {
            filter.cut_off = Some(dead_letters::cut_off(conn).await?);
        }
        let missing = missing(conn, &named, &filter).await?;
        let groups = dead_letters::groups(conn, &filter).await?;
        let groups: Vec<GroupView> = groups.into_iter().map(GroupView::of).collect();
        Ok(Self {
            total: groups.iter().map(|group| group.count).sum(),
            filter,
            named,
            missing,
            groups,
        })
    }

    fn exit(&self) -> Exit {
        Exit::of_found(self.missing.is_empty() && self.total > 0)
    }
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

fn report(tally: &Tally, chosen: &Chosen, words: &dyn Words) {
    if chosen.named.is_empty() {
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
        let looked_at = i64::try_from(tally.looked_at()).unwrap_or(chosen.total);
        show(&words.interrupted((chosen.total - looked_at).max(0)));
    }
}
