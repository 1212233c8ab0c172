//! `xiebao held`: what waits for an earlier notice.

mod list;
mod release;

use clap::{Args as ClapArgs, Subcommand};

pub(crate) use release::digits;

use crate::context::Context;
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  xiebao held list
  xiebao held release --proposal 20260723373797
  xiebao held release 5f0c9a3e";

/// List notices that wait for an earlier one, or let them go
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    List(list::Args),
    Release(release::Args),
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => list::run(args, context).await,
        Command::Release(args) => release::run(args, context).await,
    }
}
