//! `xiebao trace`: the story of one proposal.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_desk::trace;
use xiebao_runtime::clock;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::proposal_number;
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
Shows the status of the proposal, its applied and waiting notices, the notices that have not come yet, dead
letters, operations, and the business rows. Exit code 1 if nothing is known about it.

Examples:
  xiebao trace 20260723373797
  xiebao trace 20260723373797 --lang zh
  xiebao trace 20260723373797 --json | jq .proposal.status";

/// Show the story of a proposal: notices that were applied, that wait, and that have not come
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The number of the proposal (投保单号)
    #[arg(value_name = "INSURE_NUM", value_parser = proposal_number)]
    insure_num: InsureNum,
    /// Print everything as JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let record = trace::read(&database.store, &args.insure_num).await?;
    let story = record.story(&database.config.rules, clock::now());
    if args.json {
        show_json(&story)?;
    } else {
        show(&trace::page(&story, context.words()))?;
    }
    Ok(Exit::of_found(trace::is_known(&story)))
}
