//! `xiebao dead discard`: gives dead letters up.

use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_desk::dead::discard::{self, Reasons};
use xiebao_runtime::clock;

use crate::choice::Choice;
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::input::why;
use crate::output::show;

const EXAMPLES: &str = "\
The row stays, with the reason, but is no longer open, and a further copy of the notice does not open it
again. Only open letters are discarded; a search finds those that were dead when the command began. Exit
code 1 if a named letter does not exist or was requeued, or if none is found.

Examples:
  xiebao dead discard 14 --reason \"sent again corrected\"
  xiebao dead discard --group unreadable --since 1d --reason \"a test of ours\" --dry-run";

/// Discard dead letters, with a reason
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Only those of this group of causes
    #[arg(long, value_name = "REASON", value_parser = Reason::ALL.map(Reason::name))]
    group: Option<String>,
    /// Why nothing is lost; stored with the dead letter
    #[arg(long, value_name = "TEXT", value_parser = why)]
    reason: String,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.words();
    let choice = args.choice.choice(args.group.as_deref(), None, clock::now())?;
    let database = Database::reach(context).await?;
    if args.choice.dry_run {
        let groups = discard::rehearse(&database.store, &choice).await?;
        show(&discard::rehearsal_page(&groups, words))?;
        return Ok(Exit::of_found(!groups.is_empty()));
    }
    let reasons = Reasons {
        why: &args.reason,
        actor: &context.actor(),
        clock: clock::now,
    };
    let discarded = discard::discard(&database.store, &choice, reasons).await?;
    show(&discarded.page(words))?;
    Ok(Exit::of_found(discarded.is_whole()))
}
