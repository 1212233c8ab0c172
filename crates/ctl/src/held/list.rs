use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_core::id::{Digest, InsureNum, NotifyType, Step};
use xiebao_core::ledger::{Entry, Ledger};
use xiebao_core::rules::{OnTimeout, Rules};
use xiebao_core::sequencing;
use xiebao_store::sql::notices;
use xiebao_store::transaction;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{columns, cut_to, plain, short, show, show_json};
use crate::words::Words;

const EXAMPLES: &str = "\
Those first that are due first. Exit code 1 if nothing waits.

Examples:
  xiebao held list
  xiebao held list --limit 500 --json";

/// List the notices that wait: for what, and until when
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct List {
    held: Vec<Waiting>,
    cut: bool,
}

#[derive(Debug, Serialize)]
struct Waiting {
    insure_num: InsureNum,
    notify_type: NotifyType,
    step: Step,
    digest: Digest,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    waits_for: Vec<Step>,
    at_timeout: OnTimeout,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let limit = i64::from(args.limit);
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let rows = notices::held(&mut conn, limit + 1).await?;
    let numbers = rows
        .iter()
        .filter_map(|row| InsureNum::parse(&row.insure_num).ok().flatten());
    let numbers: Vec<InsureNum> = numbers.collect();
    let ledgers = transaction::load(&mut conn, numbers.iter()).await?;
    let rules = &database.config.rules;
    let waiting = ledgers
        .values()
        .flat_map(|ledger| ledger.held().map(|entry| Waiting::of(ledger, entry, rules)));
    let mut held: Vec<Waiting> = waiting.collect();
    held.sort_by(|a, b| (a.until, &a.insure_num).cmp(&(b.until, &b.insure_num)));
    let most = i64::from(args.limit);
    let cut = i64::try_from(rows.len()).is_ok_and(|found| found > most);
    let cut = cut_to(&mut held, most) || cut;
    let list = List { held, cut };
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(crate::words::of(context.lang)));
    }
    Ok(Exit::of_found(!list.held.is_empty()))
}

impl Waiting {
    fn of(ledger: &Ledger, entry: &Entry, rules: &Rules) -> Self {
        let step = entry.notice.step;
        Self {
            insure_num: ledger.insure_num.clone(),
            notify_type: step.notify_type(),
            step,
            digest: entry.notice.digest.clone(),
            since: entry.hold.map(|hold| hold.at),
            until: entry.hold.map(|hold| hold.until),
            waits_for: sequencing::missing(ledger, step, rules).iter().collect(),
            at_timeout: rules.on_timeout(step),
        }
    }
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.held.is_empty() {
            return words.nothing_held().to_owned();
        }
        let rows: Vec<[String; 5]> = self.held.iter().map(|waiting| waiting.row(words)).collect();
        let cut = words.if_cut(self.cut, self.held.len());
        format!("{}\n{}{cut}", words.times_are_beijing(), columns(0, &rows))
    }
}

impl Waiting {
    fn row(&self, words: &dyn Words) -> [String; 5] {
        [
            plain(self.insure_num.as_str()),
            words.notice(Some(self.notify_type)),
            words.waits_for(&self.waits_for),
            self.until
                .map_or_else(String::new, |until| words.until(until, self.at_timeout)),
            short(self.digest.as_str()),
        ]
    }
}
