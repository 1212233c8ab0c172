//! `xiebao dead`: what could not be applied, and what a person does about it.

mod body;
mod choice;
mod discard;
mod groups;
pub mod letter;
mod list;
mod marks;
mod requeue;
mod show;

use clap::{Args as ClapArgs, Subcommand};

use crate::context::Context;
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  xiebao dead list
  xiebao dead show 12
  xiebao dead requeue 12 13
  xiebao dead requeue --reason apply_failed --dry-run
  xiebao dead discard 14 --reason \"sent again corrected\"";

/// List, read, put back or give up notices that could not be applied
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Requeue(requeue::Args),
    Discard(discard::Args),
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Requeue(args) => requeue::run(args, context).await,
        Command::Discard(args) => discard::run(args, context).await,
    }
}
