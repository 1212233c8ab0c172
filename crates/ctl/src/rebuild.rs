//! `xiebao rebuild`: the business rows, recomputed from the notices.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;
use xiebao_worker::rebuild::{self, Kind, Report, Scope};
use xiebao_worker::store::operations::{self, Action, NewOperation};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{plain, show, show_json};
use crate::trace::proposal_number;
use crate::words::Words;

const EXAMPLES: &str = "\
Workers may run meanwhile. With --check nothing is written, and exit code 1 says that something differs.

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
    let report = rebuild::run(&database.store, &scope, !args.check).await?;
    if !args.check {
        record(&database, context, &scope, &report).await?;
    }
    if args.json {
        show_json(&report)?;
    } else {
        show(&page(&report, args.check, context.lang.words()));
    }
    Ok(if args.check && !report.is_clean() {
        Exit::No
    } else {
        Exit::Done
    })
}

async fn record(
    database: &Database,
    context: &Context,
    scope: &Scope,
    report: &Report,
) -> Result<(), Failure> {
    let mut deed = NewOperation::new(Action::Rebuild, &context.actor(), clock::now());
    if let Scope::Proposal(number) = scope {
        deed.insure_num = Some(number.to_string());
    }
    let tables = report.tables.iter();
    let told: Vec<String> = tables
        .map(|(table, tally)| {
            let (lost, extra, differing) = (tally.lost, tally.extra, tally.differing);
            format!("{table}: {lost} lost, {extra} extra, {differing} differing")
        })
        .collect();
    let deed = deed.with_detail(&format!("{} proposals; {}", report.proposals, told.join("; ")));
    Ok(database
        .store
        .with(async |conn| operations::record(conn, &[deed]).await)
        .await?)
}

fn page(report: &Report, check: bool, words: &dyn Words) -> String {
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
    if report.broken_sequences > 0 {
        let examples: Vec<String> = report
            .broken_sequence_examples
            .iter()
            .map(|name| plain(name))
            .collect();
        page += &words.sequences_broken(report.broken_sequences, &examples);
    }
    page + &words.rebuilt(report.proposals, report.differences(), check)
}

fn cell(name: &str, value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{name}={}", plain(&text))
}
