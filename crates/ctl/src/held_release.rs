//! `xiebao held release`: applies waiting notices at once.

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_desk::held::release::{self, ReleaseChoice, Released};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::{digits, proposal_number};
use crate::output::show;

const EXAMPLES: &str = "\
A released notice is applied at once, out of order. Its predecessors are still applied when they come.
Exit code 1 if no such notice waits.

Examples:
  xiebao held release --proposal 20260723373797
  xiebao held release 5f0c9a3e";

/// Apply waiting notices at once, without their predecessors
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The beginning of a digest that `held list` shows, 6 digits or more
    #[arg(value_name = "DIGEST", value_parser = digits)]
    digest: Option<String>,
    /// All waiting notices of this proposal
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let choice = match (args.proposal, args.digest) {
        (Some(number), _) => ReleaseChoice::Proposal(number),
        (None, Some(beginning)) => ReleaseChoice::Digest(beginning),
        (None, None) => return Err(Failure::Usage("name a digest or a proposal".to_owned())),
    };
    let database = Database::reach(context).await?;
    let actor = context.actor();
    let authority = context.authority(&database.config.rules, &actor);
    let released = release::release(&database.store, choice, authority).await?;
    let page = released.page(context.words());
    match released {
        Released::Ambiguous { .. } => Err(Failure::Usage(page)),
        Released::NothingHeld(_) => {
            eprint!("{page}");
            Ok(Exit::No)
        }
        Released::Done { .. } => {
            show(&page);
            Ok(Exit::Done)
        }
    }
}
