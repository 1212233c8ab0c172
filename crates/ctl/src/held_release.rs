//! `xiebao held release`: applies waiting notices at once.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_desk::held::release::{self, ReleaseChoice, Released};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::proposal_number;
use crate::output::{complain, show};

const EXAMPLES: &str = "\
A released notice is applied at once, out of order. Its predecessors are still applied when they come.
Exit code 1 if no such notice waits.

Examples:
  xiebao held release 20260723373797 --dry-run
  xiebao held release 20260723373797
  xiebao held release 5f0c9a3e";

/// Apply waiting notices at once, without their predecessors
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A proposal, for all its waiting notices, or the beginning of a digest that `held list` shows, 6
    /// digits or more
    #[arg(
        value_name = "INSURE_NUM|DIGEST",
        required_unless_present = "proposal",
        conflicts_with = "proposal"
    )]
    named: Option<String>,
    /// All waiting notices of this proposal
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
    /// Only show which
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let choice = match (args.proposal, args.named) {
        (Some(number), _) => ReleaseChoice::Proposal(number),
        (None, Some(name)) => ReleaseChoice::Named(name),
        (None, None) => return Err(Failure::Usage("name a proposal or a digest".to_owned())),
    };
    let database = Database::reach(context).await?;
    let actor = context.actor();
    let authority = context.authority(&database.config.rules, &actor);
    let released = release::release(&database.store, choice, args.dry_run, authority).await?;
    let page = released.page(context.words());
    match released {
        Released::Ambiguous { .. } => Err(Failure::Usage(page)),
        Released::NothingHeld(_) => {
            complain(&page);
            Ok(Exit::No)
        }
        Released::Foreseen { .. } | Released::Done { .. } => {
            show(&page)?;
            Ok(Exit::Done)
        }
    }
}
