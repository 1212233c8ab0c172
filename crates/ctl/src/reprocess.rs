//! `xiebao reprocess`: applies notices that were kept as ignored.

use clap::Args as ClapArgs;
use xiebao_core::id::{NotifyType, Step};
use xiebao_runtime::clock;
use xiebao_worker::reprocess;
use xiebao_worker::store::notices;
use xiebao_worker::store::operations::{self, Action, NewOperation};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::show;

const EXAMPLES: &str = "\
The type must be in `subscribed` by now. Notices keep the times of their receipt; one whose predecessor has not come
waits like any other. It may be interrupted and run again.

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
    /// Only tell how many there are
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.lang.words();
    let database = Database::of(context)?;
    let rules = &database.config.rules;
    let notify_type = NotifyType(args.notify_type);
    let Some(step) = Step::of(notify_type) else {
        return Err(Failure::Usage(words.undocumented(args.notify_type)));
    };
    if !rules.is_subscribed(step) {
        return Err(Failure::Usage(words.not_subscribed(args.notify_type)));
    }
    let mut conn = database.connection().await?;
    if args.dry_run {
        let count = notices::count_ignored(&mut conn, notify_type).await?;
        show(&words.would_reprocess(count));
        return Ok(Exit::Done);
    }
    drop(conn);
    let done = reprocess::run(&database.store, rules, notify_type, clock::now).await?;
    let mut deed = NewOperation::new(Action::Reprocess, &context.actor(), clock::now());
    deed.notify_type = Some(args.notify_type);
    let detail = format!("{} applied, {} held, {} dead", done.applied, done.held, done.dead);
    let deed = deed.with_detail(&detail);
    let noting = database
        .store
        .with(async |conn| operations::record(conn, &[deed]).await);
    noting.await?;
    show(&words.reprocessed(done.applied, done.held, done.dead));
    Ok(Exit::Done)
}
