//! Dead letters counted by their causes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_store::sql::dead_letters::Group;
use xiebao_store::sql::notices::utc;

use super::letter;
use crate::screen::{beijing, columns};
use crate::words::Words;

/// One group of causes, as it is shown.
#[derive(Debug, Serialize)]
pub struct GroupView {
    reason: String,
    pub count: i64,
    first_dead_at: Option<DateTime<Utc>>,
    last_dead_at: Option<DateTime<Utc>>,
}

impl GroupView {
    pub fn of(group: Group) -> Self {
        Self {
            reason: group.reason,
            count: group.count,
            first_dead_at: utc(group.first_dead_at),
            last_dead_at: utc(group.last_dead_at),
        }
    }
}

/// One line a group: its name, how many, when the first and the last died.
pub fn table(groups: &[GroupView], words: &dyn Words) -> String {
    let time = |at: Option<_>| at.map(beijing).unwrap_or_default();
    let rows: Vec<[String; 3]> = groups
        .iter()
        .map(|group| {
            let span = words.group(group.count, &time(group.first_dead_at), &time(group.last_dead_at));
            [letter::reason(&group.reason, words), group.reason.clone(), span]
        })
        .collect();
    columns(0, &rows)
}
