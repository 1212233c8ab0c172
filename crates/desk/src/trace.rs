//! The trace of one proposal: its story read from the database, and told as text.

mod notices;
mod page;
mod tables;

use chrono::{DateTime, Utc};
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Ledger;
use xiebao_core::rows::Rows;
use xiebao_core::rules::Rules;
use xiebao_store::sql::business;
use xiebao_store::sql::dead_letters::{self, DeadLetter, Filter};
use xiebao_store::sql::notices::{self as inbox, NoticeRow};
use xiebao_store::sql::operations::{self, Operation};
use xiebao_store::{Connection, Store, StoreError, transaction};

use crate::screen::plain;
use crate::story::family::{Family, Search};
use crate::story::{Sources, Standing, Story};
use crate::words::Words;

/// How many dead letters of one proposal are read.
const MOST_DEAD_LETTERS: i64 = 200;

/// The stored data of one proposal.
#[derive(Debug)]
pub struct Record {
    ledger: Ledger,
    /// Its business rows, if the bodies of its notices are gone.
    tables: Option<Rows>,
    family: Family,
    inbox: Vec<NoticeRow>,
    dead: Vec<DeadLetter>,
    operations: Vec<Operation>,
}

/// Reads what is stored of a proposal.
pub async fn read(store: &Store, number: &InsureNum) -> Result<Record, StoreError> {
    let mut conn = store.connection().await?;
    // Dead letters last: a notice that leaves the inbox meanwhile then appears twice rather than not at all.
    let mut ledgers = transaction::load(&mut conn, std::iter::once(number)).await?;
    let ledger = ledgers
        .remove(number)
        .unwrap_or_else(|| Ledger::empty(number.clone()));
    let tables = tables_of_pruned(&mut conn, &ledger).await?;
    let family = follow(&mut conn, &ledger, tables.as_ref()).await?;
    let inbox = inbox::of_proposals(&mut conn, &[number]).await?;
    let filter = Filter {
        insure_num: Some(number.to_string()),
        ..Filter::default()
    };
    Ok(Record {
        dead: dead_letters::select(&mut conn, &filter, MOST_DEAD_LETTERS).await?,
        operations: operations::of_proposal(&mut conn, number.as_str()).await?,
        ledger,
        tables,
        family,
        inbox,
    })
}

impl Record {
    /// Tells its story.
    pub fn story<'r>(&'r self, rules: &'r Rules, now: DateTime<Utc>) -> Story<'r> {
        let sources = Sources {
            ledger: &self.ledger,
            tables: self.tables.as_ref(),
            inbox: &self.inbox,
            dead: &self.dead,
            operations: &self.operations,
            rules,
            now,
        };
        Story::tell(sources, self.family.clone())
    }
}

/// The business rows of a proposal whose notices have no bodies any more. The rows of others follow from the ledger.
async fn tables_of_pruned(conn: &mut Connection, ledger: &Ledger) -> Result<Option<Rows>, StoreError> {
    match ledger.is_pruned() {
        true => business::rows(conn, &ledger.insure_num).await.map(Some),
        false => Ok(None),
    }
}

/// Follows the reissues of the proposal in both directions.
async fn follow(
    conn: &mut Connection,
    ledger: &Ledger,
    own_tables: Option<&Rows>,
) -> Result<Family, StoreError> {
    let mut search = Search::begin(ledger, own_tables);
    loop {
        let next = search.unvisited();
        if next.is_empty() {
            return Ok(search.finish());
        }
        for ledger in transaction::load(conn, next.iter()).await?.values() {
            let tables = tables_of_pruned(conn, ledger).await?;
            search.visit(ledger, tables.as_ref());
        }
    }
}

/// Anything is known of the proposal.
pub fn is_known(story: &Story<'_>) -> bool {
    story.standing != Standing::Unknown
}

/// The story as text.
pub fn page(story: &Story<'_>, words: &dyn Words) -> String {
    if is_known(story) {
        page::of(story, words)
    } else {
        words.unknown(&plain(story.insure_num.as_str()))
    }
}

#[cfg(test)]
mod tests;
