//! `xiebao stuck`: proposals that have stood at a step for too long.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_core::id::{NotifyType, Step};
use xiebao_runtime::clock;
use xiebao_store::sql::stuck::{self, Stand, Stuck};

use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, columns, cut_to, plain, show, show_json};
use crate::when::When;
use crate::words::{Label, Words};

const EXAMPLES: &str = "\
How long: since the last notice of the step that was applied (of --step paid: the last payment notice). The longest first.
Of the 10,000 proposals of that status with the greatest numbers. Exit code 1 if there is none.

Examples:
  xiebao stuck
  xiebao stuck --step paid --for 30m
  xiebao stuck --step issued --for 1day --since 30days --json";

/// List proposals that have stood at a step for too long: paid and not issued (已支付未出单), say
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where they stand; `issued`: without an e-policy
    #[arg(long, value_name = "STEP", default_value = "paid", value_parser = Stand::ALL.map(Stand::name))]
    step: String,
    /// For how long
    #[arg(long = "for", value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Only those that came there at this time or later: Beijing time, or how long ago (7days)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct List {
    step: &'static str,
    proposals: Vec<Standing>,
    cut: bool,
}

#[derive(Debug, Serialize)]
struct Standing {
    insure_num: String,
    partner_id: i64,
    partner_unique_key: Option<String>,
    since: DateTime<Utc>,
    seconds: i64,
    /// The notice that ought to have come.
    missing: NotifyType,
    /// What waits for a predecessor.
    held: Vec<NotifyType>,
    /// Open dead letters.
    dead_letters: Vec<Letter>,
}

#[derive(Debug, Serialize)]
struct Letter {
    id: i64,
    notify_type: Option<NotifyType>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let now = clock::now();
    let stand = Stand::from_name(&args.step).unwrap_or(Stand::Paid);
    let age = TimeDelta::from_std(args.duration).unwrap_or(TimeDelta::MAX);
    let before = now.checked_sub_signed(age).unwrap_or_default();
    let since = args
        .since
        .map_or_else(NaiveDateTime::default, |when| when.utc(now));
    let most = i64::from(args.limit);
    let mut rows = stuck::list(
        &mut conn,
        stand,
        since,
        before.max(DateTime::UNIX_EPOCH),
        most + 1,
    )
    .await?;
    let cut = cut_to(&mut rows, most);
    let list = List {
        step: stand.name(),
        proposals: described(&mut conn, rows, stand, now).await?,
        cut,
    };
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(crate::words::of(context.lang)));
    }
    Ok(Exit::of_found(!list.proposals.is_empty()))
}

async fn described(
    conn: &mut Connection,
    rows: Vec<Stuck>,
    stand: Stand,
    now: DateTime<Utc>,
) -> Result<Vec<Standing>, Failure> {
    let names: Vec<String> = rows.iter().map(|row| row.insure_num.clone()).collect();
    let held = stuck::held(conn, &names).await?;
    let dead = stuck::dead(conn, &names).await?;
    let standing = |row: Stuck| Standing {
        since: row.since.and_utc(),
        seconds: (now - row.since.and_utc()).num_seconds(),
        missing: stand.waits_for().notify_type(),
        held: held
            .iter()
            .filter(|(number, _)| *number == row.insure_num)
            .map(|(_, notify_type)| NotifyType(*notify_type))
            .collect(),
        dead_letters: dead
            .iter()
            .filter(|(number, ..)| *number == row.insure_num)
            .map(|(_, id, notify_type)| Letter {
                id: *id,
                notify_type: notify_type.map(NotifyType),
            })
            .collect(),
        insure_num: row.insure_num,
        partner_id: row.partner_id,
        partner_unique_key: row.partner_unique_key,
    };
    Ok(rows.into_iter().map(standing).collect())
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.proposals.is_empty() {
            return words.nothing_stuck().to_owned();
        }
        let rows: Vec<[String; 6]> = self
            .proposals
            .iter()
            .map(|standing| standing.row(words))
            .collect();
        let cut = words.if_cut(self.cut, self.proposals.len());
        format!("{}\n{}{cut}", words.times_are_beijing(), columns(0, &rows))
    }
}

impl Standing {
    fn row(&self, words: &dyn Words) -> [String; 6] {
        let steps = |types: &[NotifyType]| {
            let names: Vec<String> = types.iter().map(|number| words.notice(Some(*number))).collect();
            words.list(&names)
        };
        let mut more = Vec::new();
        if !self.held.is_empty() {
            more.push(words.pair(words.label(Label::Held), &steps(&self.held)));
        }
        if !self.dead_letters.is_empty() {
            let letters = self.dead_letters.iter();
            let letters: Vec<String> = letters
                .map(|letter| format!("#{} {}", letter.id, words.notice(letter.notify_type)))
                .collect();
            more.push(words.pair(words.label(Label::DeadLetters), &words.list(&letters)));
        }
        [
            plain(&self.insure_num),
            words.stands_since(&beijing(self.since), TimeDelta::seconds(self.seconds)),
            words.lacks(Step::of(self.missing)),
            self.partner_id.to_string(),
            self.partner_unique_key.as_deref().map(plain).unwrap_or_default(),
            words.clauses(&more),
        ]
    }
}
