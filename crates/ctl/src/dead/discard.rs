use clap::Args as ClapArgs;
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::{self, DeadLetter, Filter};

use super::choice::Choice;
use super::groups::{self, GroupView};
use super::marks;
use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::input::why;
use crate::screen::show;
use crate::words::Words;

/// Letters of one transaction.
const PAGE: i64 = 500;

const EXAMPLES: &str = "\
The row stays, with the reason; it is just no longer open, and a further copy of the notice does not
open it again. Only open ones are given up, of a search those that were dead when the command began. Exit
code 1 if any of those named does not exist or was requeued, or none is found.

Examples:
  xiebao dead discard 14 --reason \"sent again corrected\"
  xiebao dead discard --group unreadable --since 1d --reason \"a test of ours\" --dry-run";

/// Give dead letters up, saying why
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Only those of this group of causes
    #[arg(long, value_name = "REASON", value_parser = Reason::ALL.map(Reason::name))]
    group: Option<String>,
    /// Why nothing is lost by it; kept with the dead letter
    #[arg(long, value_name = "TEXT", value_parser = why)]
    reason: String,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = crate::words::of(context.lang);
    let mut filter = args.choice.filter(args.group.as_deref(), None, clock::now())?;
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let named = args.choice.named();
    if named.is_empty() {
        filter.cut_off = Some(dead_letters::cut_off(&mut conn).await?);
    }
    let found = if named.is_empty() {
        vec![]
    } else {
        dead_letters::select(&mut conn, &filter, i64::MAX).await?
    };
    if args.choice.dry_run {
        return rehearse(&mut conn, filter, words).await;
    }
    let discarded = discard(&mut conn, &filter, &args.reason, &context.actor()).await?;
    if named.is_empty() {
        show(&words.discarded_all(discarded.len()));
        return Ok(Exit::of_found(!discarded.is_empty()));
    }
    let ends = named.iter().map(|id| end(*id, &discarded, &found, words));
    // Every one is told, also after the first that could not be.
    Ok(ends.fold(Exit::Done, |all, one| if one == Exit::No { one } else { all }))
}

/// Says what would be given up, by group.
async fn rehearse(conn: &mut Connection, mut filter: Filter, words: &dyn Words) -> Result<Exit, Failure> {
    filter.status = Some("open".to_owned());
    let groups = dead_letters::groups(conn, &filter).await?;
    let groups: Vec<GroupView> = groups.into_iter().map(GroupView::of).collect();
    let total: i64 = groups.iter().map(|group| group.count).sum();
    if total == 0 {
        show(words.no_dead_letters());
        return Ok(Exit::No);
    }
    show(&words.would_discard(total));
    show(&groups::table(&groups, words));
    Ok(Exit::Done)
}

/// A page a transaction; the ids of those that were given up.
async fn discard(
    conn: &mut Connection,
    filter: &Filter,
    why: &str,
    actor: &str,
) -> Result<Vec<i64>, Failure> {
    let (mut after, mut discarded) = (0, Vec::new());
    loop {
        let page = dead_letters::page(conn, filter, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(discarded);
        };
        after = last.id;
        let ids: Vec<i64> = page.iter().map(|letter| letter.id).collect();
        let letters = marks::discarded(conn, &ids, why, actor).await?;
        discarded.extend(letters.iter().map(|letter| letter.id));
    }
}

/// Says what became of one that was named.
fn end(id: i64, discarded: &[i64], found: &[DeadLetter], words: &dyn Words) -> Exit {
    if discarded.contains(&id) {
        show(&words.discarded(id));
        return Exit::Done;
    }
    match found.iter().find(|letter| letter.id == id) {
        None => show(&words.no_such_letter(id)),
        Some(letter) if letter.status == "discarded" => {
            show(&words.discarded_already(id));
            return Exit::Done;
        }
        Some(_) => show(&words.not_discardable(id)),
    }
    Exit::No
}
