//! `xiebao reprocess`: applies notices that were kept as ignored.

use clap::Args as ClapArgs;
use xiebao_core::id::NotifyType;
use xiebao_desk::reprocess;
use xiebao_runtime::clock;
use xiebao_store::reprocess::{ReprocessOptions, Reprocessed};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::show;

const EXAMPLES: &str = "\
The type must be in `subscribed`. Notices keep their times of receipt; one whose predecessor has not come waits like
any other. The command may be interrupted and run again.

Examples:
  xiebao reprocess --type 26 --dry-run
  xiebao reprocess --type 26";

/// Apply the notices of a type that were kept as ignored before it was subscribed
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The notice type (notifyType)
    #[arg(long = "type", value_name = "N")]
    notify_type: i64,
    /// Only show how many there are
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.words();
    let database = Database::of(context)?;
    let rules = &database.config.rules;
    let notify_type = NotifyType(args.notify_type);
    reprocess::check(notify_type, rules).map_err(|error| Failure::Usage(error.text(words)))?;
    database.check().await?;
    if args.dry_run {
        let count = reprocess::count(&database.store, notify_type).await?;
        show(&count.page(words))?;
        return Ok(Exit::Done);
    }
    let actor = context.actor();
    let options = ReprocessOptions {
        notify_type,
        rules,
        actor: &actor,
        clock: clock::now,
    };
    let mut done = Reprocessed::default();
    let ended = xiebao_store::reprocess::run(&database.store, &options, &mut done).await;
    show(&reprocess::page(&done, words))?;
    ended?;
    Ok(Exit::of_found(done.refused == 0))
}
