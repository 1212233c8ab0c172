use clap::Args as ClapArgs;
use xiebao_worker::store::dead_letters;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::show;

/// The column holds no more.
const LONGEST_REASON: usize = 1000;

const EXAMPLES: &str = "\
The row stays, with the reason; it is just no longer open, and a further copy of the notice does not
open it again. Exit code 1 if any of them does not exist.

Example:
  xiebao dead discard 14 --reason \"sent again corrected\"";

/// Give dead letters up, saying why
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The numbers that `dead list` shows
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
    /// Why nothing is lost by it; kept with the dead letter
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is blank".to_owned()),
        text if text.chars().count() > LONGEST_REASON => {
            Err(format!("is longer than {LONGEST_REASON} characters"))
        }
        text => Ok(text.to_owned()),
    }
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.lang.words();
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let mut exit = Exit::Done;
    for id in args.ids {
        if dead_letters::discard(&mut conn, id, &args.reason).await? {
            show(&words.discarded(id));
        } else {
            show(&words.no_such_letter(id));
            exit = Exit::No;
        }
    }
    Ok(exit)
}
