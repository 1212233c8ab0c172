//! Dead letters: notices that could not be applied, and the decisions about them.

pub mod body;
pub mod discard;
pub mod groups;
pub mod lines;
pub mod list;
pub mod message;
pub mod requeue;
pub mod show;

pub use xiebao_store::sql::dead_letters::{DeadLetterStatus, Filter};

use xiebao_store::sql::dead_letters::{self, DeadLetter};
use xiebao_store::{Connection, StoreError};

/// The dead letters that a decision is about.
#[derive(Debug, Clone)]
pub enum LetterChoice {
    /// Named by number, whatever their status.
    Named(Vec<i64>),
    /// Found by a filter.
    Found(Box<Filter>),
}

impl LetterChoice {
    /// The filter that finds them. A search finds only letters that are dead already, so that none that dies again is taken
    /// twice.
    async fn filter(&self, conn: &mut Connection) -> Result<Filter, StoreError> {
        match self {
            Self::Named(ids) => Ok(Filter {
                ids: Some(ids.clone()),
                ..Filter::default()
            }),
            Self::Found(filter) => Ok(Filter {
                cut_off: Some(dead_letters::cut_off(conn).await?),
                ..Filter::clone(filter)
            }),
        }
    }

    /// The numbers, each once; empty for a search.
    fn named(&self) -> Vec<i64> {
        let Self::Named(ids) = self else { return vec![] };
        let mut ids = ids.clone();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// The named letters that exist.
async fn existing(
    conn: &mut Connection,
    named: &[i64],
    filter: &Filter,
) -> Result<Vec<DeadLetter>, StoreError> {
    if named.is_empty() {
        return Ok(vec![]);
    }
    dead_letters::select(conn, filter, i64::MAX).await
}
