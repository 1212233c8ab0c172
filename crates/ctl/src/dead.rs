//! `xiebao dead`: notices that could not be applied, and the decisions about them.

use clap::{Args as ClapArgs, Subcommand};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{dead_discard, dead_list, dead_requeue, dead_show};

const EXAMPLES: &str = "\
Examples:
  xiebao dead list
  xiebao dead show 12
  xiebao dead requeue 12 13
  xiebao dead requeue --reason apply_failed --dry-run
  xiebao dead discard 14 --reason \"sent again corrected\"";

/// List, show, requeue or discard notices that could not be applied
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    List(dead_list::Args),
    Show(dead_show::Args),
    Requeue(dead_requeue::Args),
    Discard(dead_discard::Args),
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => dead_list::run(args, context).await,
        Command::Show(args) => dead_show::run(args, context).await,
        Command::Requeue(args) => dead_requeue::run(args, context).await,
        Command::Discard(args) => dead_discard::run(args, context).await,
    }
}
