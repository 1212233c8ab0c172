//! Dead letters counted by their causes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_store::sql::dead_letters::{self, Filter, Group};
use xiebao_store::sql::notices::utc;
use xiebao_store::{Connection, StoreError};

use super::lines;
use crate::screen::{beijing, columns};
use crate::words::Words;

/// The letters of one group of causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterGroup {
    /// The name of the group, as in `dead_letters.reason`.
    pub reason: String,
    /// Number of letters.
    pub count: i64,
    /// When the first of them died first.
    pub first_dead_at: Option<DateTime<Utc>>,
    /// When the last of them died last.
    pub last_dead_at: Option<DateTime<Utc>>,
}

/// The groups of the letters that match, the largest first.
pub(super) async fn read(conn: &mut Connection, filter: &Filter) -> Result<Vec<LetterGroup>, StoreError> {
    let groups = dead_letters::groups(conn, filter).await?;
    Ok(groups.into_iter().map(LetterGroup::of).collect())
}

impl LetterGroup {
    fn of(group: Group) -> Self {
        Self {
            reason: group.reason,
            count: group.count,
            first_dead_at: utc(group.first_dead_at),
            last_dead_at: utc(group.last_dead_at),
        }
    }
}

/// One line per group: its cause, its name, its count, and when the first and the last died.
pub fn table(groups: &[LetterGroup], words: &dyn Words) -> String {
    let time = |at: Option<_>| at.map(beijing).unwrap_or_default();
    let rows: Vec<[String; 3]> = groups
        .iter()
        .map(|group| {
            let span = words.group(group.count, &time(group.first_dead_at), &time(group.last_dead_at));
            [lines::reason(&group.reason, words), group.reason.clone(), span]
        })
        .collect();
    columns(0, &rows)
}
