//! `xiebao operations`: who did what, and when.

use clap::Args as ClapArgs;
use xiebao_desk::operations;
use xiebao_runtime::clock;
use xiebao_store::sql::operations::{Action, Filter};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::when::When;

const EXAMPLES: &str = "\
The last comes first. The log names the person who ran each command that changed dead letters, held notices or rows;
--as names one where several people share an account. Exit code 1 if there is nothing.

Examples:
  xiebao operations
  xiebao operations --proposal 20260723373797
  xiebao operations --action dead.discard --since 7d --json";

/// List operations, with person and time: requeued and discarded dead letters, released notices, repairs
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only operations on this proposal
    #[arg(long, value_name = "INSURE_NUM")]
    proposal: Option<String>,
    /// Only operations on this dead letter
    #[arg(long, value_name = "ID")]
    dead: Option<i64>,
    /// Only this action
    #[arg(long, value_name = "ACTION", value_parser = Action::ALL.map(Action::name))]
    action: Option<String>,
    /// Only operations of this person
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Only operations at this time or later: Beijing time, or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only operations before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
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
    let list = operations::list(&database.store, &args.filter(), args.limit).await?;
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(context.words()))?;
    }
    Ok(Exit::of_found(!list.operations.is_empty()))
}

impl Args {
    fn filter(&self) -> Filter {
        let now = clock::now();
        Filter {
            insure_num: self.proposal.as_deref().map(|number| number.trim().to_owned()),
            action: self.action.clone(),
            actor: self.by.clone(),
            dead_letter_id: self.dead,
            since: self.since.map(|when| when.utc(now)),
            until: self.until.map(|when| when.utc(now)),
        }
    }
}
