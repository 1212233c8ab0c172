//! `xiebao refused`: requests that the receivers refused, and the notices to ask for again.

use clap::{Args as ClapArgs, Subcommand};
use xiebao_desk::refused::{self, Filter, VERDICTS};
use xiebao_runtime::clock;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::when::When;

const EXAMPLES: &str = "\
One line per notice, as far as the requests identify it; the last tried comes first. Anyone can invent a notice that is not
authentic (*), and its number is only a claim. The record is bounded: it keeps only part of a flood of invented requests, and
nothing for longer than 30 days; the logs of the receivers have every request. --text prints a Chinese text for the platform about
the notices that have not come since: the verified ones first, and without too_large and not_allowed, which name no proposal,
unless --verdict asks for them. Exit code 1 if there is nothing.

Examples:
  xiebao refused list
  xiebao refused list --missing --verdict unavailable
  xiebao refused list --text --since 6h";

/// List refused requests, and ask the platform for their notices
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

/// List refused requests: the proposal, how often, why, and whether the notice has come since
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
struct ListArgs {
    /// Only requests at this time or later: Beijing time, or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only requests that were refused for this reason
    #[arg(long, value_name = "VERDICT", value_parser = VERDICTS)]
    verdict: Option<String>,
    /// Only notices that have not come since
    #[arg(long)]
    missing: bool,
    /// Print a text for the platform that asks for the notices again
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let Command::List(args) = args.command;
    let database = Database::reach(context).await?;
    let now = clock::now();
    let filter = Filter {
        since: args.since.map(|when| when.utc(now)),
        verdict: args.verdict.clone(),
        missing: args.missing || args.text,
        for_platform: args.text,
    };
    let list = refused::list(&database.store, &filter, args.limit).await?;
    match (args.json, args.text) {
        (true, _) => show_json(&list)?,
        (false, true) => show(&list.text())?,
        (false, false) => show(&list.page(context.words()))?,
    }
    Ok(Exit::of_found(!list.refused.is_empty()))
}
