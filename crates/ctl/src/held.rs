//! `xiebao held`: notices that wait for an earlier one.

use clap::{Args as ClapArgs, Subcommand};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{held_list, held_release};

const EXAMPLES: &str = "\
Examples:
  xiebao held list
  xiebao held release 20260723373797
  xiebao held release 5f0c9a3e";

/// List notices that wait for an earlier one, or release them
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    List(held_list::Args),
    Release(held_release::Args),
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => held_list::run(args, context).await,
        Command::Release(args) => held_release::run(args, context).await,
    }
}
