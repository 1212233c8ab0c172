use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_core::reason::Reason;
use xiebao_worker::store::dead_letters::{self, Filter, Group};
use xiebao_worker::store::notices::utc;

use super::letter::{self, Letter};
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, columns, plain, show, show_json};
use crate::words::Words;

const EXAMPLES: &str = "\
Exit code 1 if there are none.

Examples:
  xiebao dead list
  xiebao dead list --reason invalid_field --type 2
  xiebao dead list --status all --proposal 20260723373797";

/// List dead letters, those that wait for a decision unless told otherwise
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[arg(long, value_name = "STATUS", default_value = "open", value_parser = ["open", "requeued", "discarded", "all"])]
    status: String,
    /// Only those of this group of causes
    #[arg(long, value_name = "REASON", value_parser = Reason::ALL.map(Reason::name))]
    reason: Option<String>,
    /// Only those of this notice type
    #[arg(long = "type", value_name = "N")]
    notify_type: Option<i64>,
    /// Only those of this proposal
    #[arg(long, value_name = "INSURE_NUM")]
    proposal: Option<String>,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct List {
    groups: Vec<GroupView>,
    letters: Vec<Letter>,
    cut: bool,
}

#[derive(Debug, Serialize)]
struct GroupView {
    reason: String,
    count: i64,
    first_dead_at: Option<chrono::DateTime<chrono::Utc>>,
    last_dead_at: Option<chrono::DateTime<chrono::Utc>>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let filter = args.filter();
    let groups = dead_letters::groups(&mut conn, &filter).await?;
    let rows = dead_letters::select(&mut conn, &filter, args.limit.into()).await?;
    let all: i64 = groups.iter().map(|group| group.count).sum();
    let list = List {
        cut: usize::try_from(all).is_ok_and(|all| all > rows.len()),
        groups: groups.into_iter().map(GroupView::of).collect(),
        letters: rows.iter().map(Letter::of).collect(),
    };
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(context.lang.words()));
    }
    Ok(if list.groups.is_empty() {
        Exit::No
    } else {
        Exit::Done
    })
}

impl Args {
    fn filter(&self) -> Filter {
        Filter {
            ids: None,
            status: (self.status != "all").then(|| self.status.clone()),
            reason: self.reason.clone(),
            insure_num: self.proposal.clone(),
            notify_type: self.notify_type,
        }
    }
}

impl GroupView {
    fn of(group: Group) -> Self {
        Self {
            reason: group.reason,
            count: group.count,
            first_dead_at: utc(group.first_dead_at),
            last_dead_at: utc(group.last_dead_at),
        }
    }
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.groups.is_empty() {
            return words.no_dead_letters().to_owned();
        }
        let time = |at: Option<_>| at.map(beijing).unwrap_or_default();
        let groups: Vec<[String; 3]> = self
            .groups
            .iter()
            .map(|group| {
                let span = words.group(group.count, &time(group.first_dead_at), &time(group.last_dead_at));
                [letter::reason(&group.reason, words), group.reason.clone(), span]
            })
            .collect();
        let letters: Vec<[String; 5]> = self
            .letters
            .iter()
            .map(|letter| {
                [
                    format!("#{}", letter.id),
                    plain(letter.insure_num.as_deref().unwrap_or("-")),
                    words.notice(letter.notify_type),
                    format!(
                        "{}  {}",
                        words.letter_status(&letter.status),
                        words.times(letter.attempts)
                    ),
                    format!("{}: {}", letter.reason, plain(&letter.detail)),
                ]
            })
            .collect();
        let cut = if self.cut {
            words.cut(self.letters.len())
        } else {
            String::new()
        };
        format!(
            "{}\n{}\n{}{cut}",
            words.times_are_beijing(),
            columns(0, &groups),
            columns(0, &letters)
        )
    }
}
