use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::{self, Filter};

use super::choice::Which;
use super::groups::{self, GroupView};
use super::letter::Letter;
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{columns, plain, show, show_json};
use crate::words::Words;

const EXAMPLES: &str = "\
Exit code 1 if there are none.

Examples:
  xiebao dead list
  xiebao dead list --reason invalid_field --type 2
  xiebao dead list --since 2h --partner 1048483
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
    #[command(flatten)]
    which: Which,
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
        show(&list.page(crate::words::of(context.lang)));
    }
    Ok(Exit::of_found(!list.groups.is_empty()))
}

impl Args {
    fn filter(&self) -> Filter {
        Filter {
            status: (self.status != "all").then(|| self.status.clone()),
            reason: self.reason.clone(),
            ..self.which.filter(clock::now())
        }
    }
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.groups.is_empty() {
            return words.no_dead_letters().to_owned();
        }
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
        let cut = words.if_cut(self.cut, self.letters.len());
        format!(
            "{}\n{}\n{}{cut}",
            words.times_are_beijing(),
            groups::table(&self.groups, words),
            columns(0, &letters)
        )
    }
}
