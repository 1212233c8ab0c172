//! `xiebao rebuild`: the business rows, recomputed from the notices.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_desk::rebuild;
use xiebao_runtime::clock;
use xiebao_store::rebuild::{RebuildOptions, Report, Scope};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::proposal_number;
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
Workers may run meanwhile. With --check nothing is written, and exit code 1 means that something differs. Without it, exit
code 1 means that something cannot be repaired: an unreadable row, a broken numbering, an unknown proposal.
Proposals that were pruned are left alone and counted.

Examples:
  xiebao rebuild --all --check
  xiebao rebuild --proposal 20260723373797
  xiebao rebuild --all --json";

/// Recompute the business rows from the notices, show the differences, and correct them
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Only show the differences
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

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let scope = match args.which.proposal {
        Some(number) => Scope::Proposal(number),
        None => Scope::All,
    };
    let actor = context.actor();
    let options = RebuildOptions {
        scope: &scope,
        mend_as: (!args.check).then_some(actor.as_str()),
        clock: clock::now,
    };
    let mut report = Report::default();
    let ended = xiebao_store::rebuild::run(&database.store, &options, &mut report).await;
    if args.json {
        show_json(&report)?;
    } else {
        show(&rebuild::page(&report, &scope, args.check, context.words()))?;
    }
    ended?;
    Ok(Exit::of_found(rebuild::is_well(&report, &scope, args.check)))
}
