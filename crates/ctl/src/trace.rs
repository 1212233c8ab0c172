//! `xiebao trace`: what is known of one proposal, told as a story.

pub mod also;
pub mod chapter;
pub mod family;
pub mod missing;
mod notices;
mod page;
pub mod pruned;
pub mod story;
mod tables;
pub mod voided;

use clap::Args as ClapArgs;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Ledger;
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::{self, Filter};
use xiebao_store::sql::notices as inbox;
use xiebao_store::sql::operations;
use xiebao_store::transaction;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{plain, show, show_json};
use story::{Sources, Standing, Story};
use xiebao_core::lang::Lang;

/// More dead letters of one proposal than anyone reads.
const MOST_DEAD_LETTERS: i64 = 200;

const EXAMPLES: &str = "\
Shows how far the proposal is, what came and was applied, what waits for what until when, what has
not come yet, dead letters, and what the tables hold now. Exit code 1 if nothing is known of it.

Examples:
  xiebao trace 20260723373797
  xiebao trace 20260723373797 --lang zh
  xiebao trace 20260723373797 --json | jq .proposal.status";

/// Tell the story of a proposal: what came, what was applied, what waits for what until when
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The number of the proposal (投保单号)
    #[arg(value_name = "INSURE_NUM", value_parser = proposal_number)]
    insure_num: InsureNum,
    /// Print everything as JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

/// An argument that names a proposal.
pub fn proposal_number(text: &str) -> Result<InsureNum, String> {
    match InsureNum::parse(text) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err("is blank".to_owned()),
        Err(_) => Err("is longer than any proposal number".to_owned()),
    }
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let number = args.insure_num;
    // Dead letters last: what leaves the inbox meanwhile is then seen twice rather than not at all.
    let mut ledgers = transaction::load(&mut conn, std::iter::once(&number)).await?;
    let ledger = ledgers
        .remove(&number)
        .unwrap_or_else(|| Ledger::empty(number.clone()));
    let tables = family::tables(&mut conn, &ledger).await?;
    let family = family::follow(&mut conn, &ledger, tables.as_ref()).await?;
    let inbox = inbox::of_proposals(&mut conn, &[&number]).await?;
    let filter = Filter {
        insure_num: Some(number.to_string()),
        ..Filter::default()
    };
    let dead = dead_letters::select(&mut conn, &filter, MOST_DEAD_LETTERS).await?;
    let operations = operations::of_proposal(&mut conn, number.as_str()).await?;
    let sources = Sources {
        ledger: &ledger,
        tables: tables.as_ref(),
        inbox: &inbox,
        dead: &dead,
        operations: &operations,
        rules: &database.config.rules,
        now: clock::now(),
    };
    present(&Story::tell(sources, family), context.lang, args.json)
}

fn present(story: &Story<'_>, lang: Lang, json: bool) -> Result<Exit, Failure> {
    let words = crate::words::of(lang);
    let known = story.standing != Standing::Unknown;
    match (json, known) {
        (true, _) => show_json(story)?,
        (false, true) => show(&page::of(story, words)),
        (false, false) => show(&words.unknown(&plain(story.insure_num.as_str()))),
    }
    Ok(if known { Exit::Done } else { Exit::No })
}

#[cfg(test)]
mod tests;
