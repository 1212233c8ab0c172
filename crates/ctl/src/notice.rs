//! `xiebao notice`: takes an applied notice out of the facts, and puts it back.

use clap::{Args as ClapArgs, Subcommand};
use xiebao_core::id::InsureNum;
use xiebao_desk::notice::{self, Decided, Decision};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::{digits, proposal_number, why};
use crate::output::{complain, show};

const EXAMPLES: &str = "\
A voided notice stays in the inbox and in `trace`, and a copy of it is still a duplicate, but its facts count no longer.
Notices that were applied after it stay applied. `restore` undoes it. The log of operations records both.
Exit code 1 if there is no such applied notice, or its proposal was pruned.

Examples:
  xiebao notice void 5f0c9a3e --proposal 20260723373797 --reason \"the insurer never cancelled it\"
  xiebao notice restore 5f0c9a3e --reason \"it did after all\"";

/// Take an applied notice out of the facts, or put it back
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Take an applied notice out of the facts
    Void(Named),
    /// Put a voided notice back into the facts
    Restore(Named),
}

#[derive(Debug, Clone, ClapArgs)]
struct Named {
    /// The beginning of its digest, as `trace --json` shows it, 6 digits or more
    #[arg(value_name = "DIGEST", value_parser = digits)]
    digest: String,
    /// Look in this proposal alone, which is quick
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
    /// Why, for the log of operations
    #[arg(long, value_name = "WHY", value_parser = why)]
    reason: String,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (named, void) = match args.command {
        Command::Void(named) => (named, true),
        Command::Restore(named) => (named, false),
    };
    let decision = Decision {
        digest: named.digest,
        proposal: named.proposal,
        void,
        reason: named.reason,
    };
    let database = Database::reach(context).await?;
    let actor = context.actor();
    let authority = context.authority(&database.config.rules, &actor);
    let decided = notice::decide(&database.store, &decision, authority).await?;
    let page = decided.page(context.words());
    match decided {
        Decided::Ambiguous { .. } => return Err(Failure::Usage(page)),
        Decided::NoAppliedNotice { .. } => complain(&page),
        Decided::Pruned(_) | Decided::Done { .. } => show(&page)?,
    }
    Ok(Exit::of_found(matches!(decided, Decided::Done { .. })))
}
