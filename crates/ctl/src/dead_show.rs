//! `xiebao dead show`: one dead letter in full.

use clap::Args as ClapArgs;
use xiebao_desk::dead::show;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{complain, show as print, show_json};

const EXAMPLES: &str = "\
Exit code 1 if there is no such dead letter.

Example:
  xiebao dead show 12";

/// Show a dead letter: its body, its attempts, the operations on it, and how to repair it
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The number that `dead list` shows
    #[arg(value_name = "ID")]
    id: i64,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.words();
    let database = Database::reach(context).await?;
    let Some(letter) = show::show(&database.store, args.id).await? else {
        complain(&words.no_such_letter(args.id));
        return Ok(Exit::No);
    };
    if args.json {
        show_json(&letter)?;
    } else {
        print(&letter.page(words))?;
    }
    Ok(Exit::Done)
}
