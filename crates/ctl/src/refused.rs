//! `xiebao refused`: requests that the receivers refused, and what is to be asked for again.

mod text;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args as ClapArgs, Subcommand};
use serde::Serialize;
use xiebao_core::id::NotifyType;
use xiebao_runtime::clock;
use xiebao_store::sql::refused::{self, Filter, Group};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, columns, cut_to, plain, show, show_json};
use crate::when::When;
use crate::words::Words;

/// Why a request is refused.
const VERDICTS: [&str; 6] = [
    "unavailable",
    "bad_signature",
    "unknown_partner",
    "malformed",
    "too_large",
    "not_allowed",
];

const EXAMPLES: &str = "\
A line a notice, as far as requests say which: those tried last first. What is not authentic (*) anybody can have made up;
its number is a claim. The record is bounded: a flood of made-up requests is kept in part, and nothing is kept for longer
than 30 days; the receivers' logs have each. --text is what to send to the platform, in Chinese, of what has not come since: what
is verified first, and without too_large and not_allowed, which name no proposal, unless --verdict asks for them.
Exit code 1 if there is nothing.

Examples:
  xiebao refused list
  xiebao refused list --missing --verdict unavailable
  xiebao refused list --text --since 6h";

/// See what was refused, and ask the platform for it
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    List(ListArgs),
}

/// List refused requests: of which proposal, how often, why, and whether the notice has come since
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
struct ListArgs {
    /// Only what was tried at this time or later: Beijing time, or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only what was refused for this
    #[arg(long, value_name = "VERDICT", value_parser = VERDICTS)]
    verdict: Option<String>,
    /// Only what has not come since
    #[arg(long)]
    missing: bool,
    /// Print the text to send to the platform: what it is to push again
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct List {
    refused: Vec<Refused>,
    cut: bool,
}

/// A notice that was refused, as far as its requests say which.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    pub insure_num: Option<String>,
    pub notify_type: Option<NotifyType>,
    pub partner_id: Option<i64>,
    /// It was authentic; all else is a claim.
    pub verified: bool,
    pub digest: Option<String>,
    pub verdict: String,
    pub source: Option<String>,
    pub sources: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub tries: i64,
    /// `None`: it does not say what it was.
    pub arrived: Option<bool>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let Command::List(args) = args.command;
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let now = clock::now();
    let filter = Filter {
        since: args.since.map(|when| when.utc(now)),
        verdict: args.verdict.clone(),
        missing: args.missing || args.text,
        for_platform: args.text,
    };
    let most = i64::from(args.limit);
    let mut groups = refused::groups(&mut conn, &filter, most + 1).await?;
    let cut = cut_to(&mut groups, most);
    let list = List {
        refused: groups.into_iter().map(Refused::of).collect(),
        cut,
    };
    match (args.json, args.text) {
        (true, _) => show_json(&list)?,
        (false, true) => show(&text::of(&list.refused, list.cut)),
        (false, false) => show(&list.page(crate::words::of(context.lang))),
    }
    Ok(Exit::of_found(!list.refused.is_empty()))
}

impl Refused {
    fn of(group: Group) -> Self {
        let says_which = group.says_which();
        Self {
            insure_num: group.insure_num,
            notify_type: group.notify_type.map(NotifyType),
            partner_id: group.partner_id,
            verified: group.digest.is_some(),
            digest: group.digest,
            verdict: group.verdict,
            source: group.source,
            sources: group.sources,
            first_at: group.first_at.and_utc(),
            last_at: group.last_at.and_utc(),
            tries: group.tries,
            arrived: says_which.then_some(group.arrived),
        }
    }

    /// `2026-07-23 09:15:02 ~ 14:15:02`
    pub fn span(&self) -> String {
        let (first, last) = (beijing(self.first_at), beijing(self.last_at));
        if self.last_at - self.first_at < TimeDelta::seconds(1) {
            first
        } else {
            format!("{first} ~ {last}")
        }
    }

    fn row(&self, words: &dyn Words) -> [String; 7] {
        let number = self.insure_num.as_deref().map_or_else(|| "-".to_owned(), plain);
        let number = if self.verified {
            number
        } else {
            format!("{number} *")
        };
        let source = self.source.as_deref().map_or_else(|| "-".to_owned(), plain);
        let source = match self.sources {
            ..=1 => source,
            more => format!("{source} +{}", more - 1),
        };
        [
            number,
            self.notify_type
                .map_or_else(|| "-".to_owned(), |number| words.notice(Some(number))),
            plain(&self.verdict),
            words.times(self.tries),
            self.span(),
            source,
            words.has_arrived(self.arrived).to_owned(),
        ]
    }
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.refused.is_empty() {
            return words.nothing_refused().to_owned();
        }
        let rows: Vec<[String; 7]> = self.refused.iter().map(|refused| refused.row(words)).collect();
        let mut page = format!("{}\n{}", words.times_are_beijing(), columns(0, &rows));
        if self.refused.iter().any(|refused| !refused.verified) {
            page += words.claims_are_claims();
        }
        page + &words.if_cut(self.cut, self.refused.len())
    }
}
