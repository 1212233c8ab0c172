//! `xiebao held list`: notices that wait for an earlier one.

use clap::Args as ClapArgs;
use xiebao_desk::held;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
The next to fall due comes first. Exit code 1 if no notice waits.

Examples:
  xiebao held list
  xiebao held list --limit 500 --json";

/// List the waiting notices: for what they wait, and until when
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

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let list = held::list(&database.store, &database.config.rules, args.limit).await?;
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(context.words()))?;
    }
    Ok(Exit::of_found(!list.held.is_empty()))
}
