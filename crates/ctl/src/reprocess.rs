//! `xiebao reprocess`: applies notices that were kept as ignored.

use clap::Args as ClapArgs;
use xiebao_core::id::{NotifyType, Step};
use xiebao_runtime::clock;
use xiebao_store::reprocess::{self, Errand, Reprocessed};
use xiebao_store::sql::notices;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{plain, show};
use crate::words::Words;

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
    let words = crate::words::of(context.lang);
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
        let (count, pruned) = notices::count_ignored(&mut conn, notify_type).await?;
        show(&words.would_reprocess(count));
        if pruned > 0 {
            show(&words.pruned_not_reprocessed(pruned));
        }
        return Ok(Exit::Done);
    }
    drop(conn);
    let actor = context.actor();
    let errand = Errand {
        notify_type,
        rules,
        actor: &actor,
        clock: clock::now,
    };
    let mut done = Reprocessed::default();
    let ended = reprocess::run(&database.store, &errand, &mut done).await;
    show(&page(&done, words));
    ended?;
    Ok(if done.refused > 0 { Exit::No } else { Exit::Done })
}

fn page(done: &Reprocessed, words: &dyn Words) -> String {
    let mut page = words.reprocessed(done.applied, done.held, done.dead);
    if done.pruned > 0 {
        page += &words.pruned_not_reprocessed(done.pruned);
    }
    if done.refused > 0 {
        page += &words.not_reprocessed(done.refused);
        for example in &done.refused_examples {
            page += &format!("  {}\n", plain(example));
        }
    }
    page
}
