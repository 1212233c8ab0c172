//! `xiebao rebuild`: the business rows, recomputed from the notices.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;
use xiebao_store::rebuild::{self, Errand, Kind, Report, Scope};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{plain, show, show_json};
use crate::trace::proposal_number;
use crate::words::Words;

const EXAMPLES: &str = "\
Workers may run meanwhile. With --check nothing is written, and exit code 1 says that something differs. Without, it says
that something can't be mended: a row that can't be read, a broken numbering, a proposal that nothing is known of.
Proposals that were pruned are left alone and counted.

Examples:
  xiebao rebuild --all --check
  xiebao rebuild --proposal 20260723373797
  xiebao rebuild --all --json";

/// Recompute the business rows from the notices alone, tell what differs, and put it right
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only tell what differs
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, ClapArgs)]
#[group(required = true, multiple = false)]
struct Which {
    /// This proposal, and those that its reissues lead to
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
    /// All proposals
    #[arg(long)]
    all: bool,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    // Says where the database is, should it be out of reach.
    drop(database.connection().await?);
    let scope = match args.which.proposal {
        Some(number) => Scope::Proposal(number),
        None => Scope::All,
    };
    let actor = context.actor();
    let errand = Errand {
        scope: &scope,
        mend_as: (!args.check).then_some(actor.as_str()),
        clock: clock::now,
    };
    let mut report = Report::default();
    let ended = rebuild::run(&database.store, &errand, &mut report).await;
    let words = crate::words::of(context.lang);
    if args.json {
        show_json(&report)?;
    } else {
        show(&page(&report, &scope, args.check, words));
    }
    ended?;
    Ok(verdict(&report, &scope, args.check))
}

fn is_unknown(report: &Report, scope: &Scope) -> bool {
    matches!(scope, Scope::Proposal(_)) && report.complete && report.nothing_is_known()
}

fn verdict(report: &Report, scope: &Scope, check: bool) -> Exit {
    let amiss = if check {
        !report.is_clean()
    } else {
        report.is_beyond_mending()
    };
    if amiss || is_unknown(report, scope) {
        Exit::No
    } else {
        Exit::Done
    }
}

fn page(report: &Report, scope: &Scope, check: bool, words: &dyn Words) -> String {
    match scope {
        Scope::Proposal(number) if is_unknown(report, scope) => words.nothing_to_rebuild(number.as_str()),
        Scope::Proposal(_) if report.proposals == 0 && report.pruned > 0 => left_alone(report, words),
        _ => {
            tables(report, words)
                + &left_alone(report, words)
                + &passed_over(report, words)
                + &words.rebuilt(report, check)
        }
    }
}

fn tables(report: &Report, words: &dyn Words) -> String {
    let mut page = String::new();
    for (table, tally) in &report.tables {
        page += &words.table_differs(table, tally.lost, tally.extra, tally.differing);
        for difference in &tally.examples {
            let key: Vec<String> = difference
                .key
                .iter()
                .map(|(name, value)| cell(name, value))
                .collect();
            page += &format!("  {}  {}\n", words.difference(difference.kind), key.join(" "));
            if difference.kind == Kind::Differing {
                for column in &difference.columns {
                    let (is, should_be) = (
                        plain(&column.is.to_string()),
                        plain(&column.should_be.to_string()),
                    );
                    page += &format!("      {}\n", words.column_differs(&column.name, &is, &should_be));
                }
            }
        }
    }
    page
}

/// What nothing can be said of.
fn left_alone(report: &Report, words: &dyn Words) -> String {
    if report.pruned == 0 {
        return String::new();
    }
    let examples: Vec<String> = report.pruned_examples.iter().map(|name| plain(name)).collect();
    words.pruned_left_alone(report.pruned, &examples)
}

/// What nothing mends.
fn passed_over(report: &Report, words: &dyn Words) -> String {
    let mut page = String::new();
    if report.broken_sequences > 0 {
        let examples: Vec<String> = report
            .broken_sequence_examples
            .iter()
            .map(|name| plain(name))
            .collect();
        page += &words.sequences_broken(report.broken_sequences, &examples);
    }
    if report.unreadable > 0 {
        page += &words.passed_over(report.unreadable);
        for example in &report.unreadable_examples {
            page += &format!("  {}\n", plain(example));
        }
    }
    page
}

fn cell(name: &str, value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{name}={}", plain(&text))
}
