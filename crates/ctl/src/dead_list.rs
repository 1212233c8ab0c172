//! `xiebao dead list`: dead letters, with their causes.

use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_desk::dead::{DeadLetterStatus, Filter, list};
use xiebao_runtime::clock;

use crate::choice::Which;
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
Exit code 1 if there are none.

Examples:
  xiebao dead list
  xiebao dead list --reason invalid_field --type 2
  xiebao dead list --since 2h --partner 1048483
  xiebao dead list --status all --proposal 20260723373797";

/// List dead letters, by default those that wait for a decision
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only those of this status
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

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let list = list::list(&database.store, &args.filter(), args.limit).await?;
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(context.words()))?;
    }
    Ok(Exit::of_found(!list.groups.is_empty()))
}

impl Args {
    fn filter(&self) -> Filter {
        Filter {
            status: (self.status != "all").then(|| DeadLetterStatus::of(&self.status)),
            reason: self.reason.clone(),
            ..self.which.filter(clock::now())
        }
    }
}
