//! One deed of the log, as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::NotifyType;
use xiebao_store::sql::operations::{Action, Operation};

use crate::screen::{beijing, columns, plain, short};
use crate::words::Words;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub insure_num: Option<String>,
    pub notify_type: Option<NotifyType>,
    pub digest: Option<String>,
    pub dead_letter_id: Option<i64>,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// What came of it.
    pub detail: Option<String>,
}

impl Deed {
    pub fn of(row: Operation) -> Self {
        Self {
            id: row.id,
            at: row.at.and_utc(),
            actor: row.actor,
            action: row.action,
            insure_num: row.insure_num,
            notify_type: row.notify_type.map(NotifyType),
            digest: row.digest,
            dead_letter_id: row.dead_letter_id,
            reason: row.reason,
            detail: row.detail,
        }
    }

    /// What was done, with what it was done to. An action of a later release keeps its name.
    fn what(&self, words: &dyn Words) -> String {
        let action = Action::from_name(&self.action);
        let mut parts = vec![action.map_or_else(|| plain(&self.action), |it| words.action(it).to_owned())];
        parts.extend(self.dead_letter_id.map(|id| format!("#{id}")));
        parts.extend(self.notify_type.map(|number| words.notice(Some(number))));
        // The number of a dead letter says it all.
        if self.dead_letter_id.is_none() {
            parts.extend(self.digest.as_deref().map(short));
        }
        parts.join(" ")
    }

    fn why(&self) -> String {
        let said = [&self.reason, &self.detail];
        let said: Vec<String> = said.into_iter().flatten().map(|text| plain(text)).collect();
        said.join("  ")
    }

    fn row(&self, words: &dyn Words) -> [String; 4] {
        [beijing(self.at), plain(&self.actor), self.what(words), self.why()]
    }
}

/// One line a deed: when, who, what, why. `indent`: blanks before each.
pub fn table(indent: usize, deeds: &[Deed], words: &dyn Words) -> String {
    let rows: Vec<[String; 4]> = deeds.iter().map(|deed| deed.row(words)).collect();
    columns(indent, &rows)
}

/// The same with the proposal of each.
pub fn table_of_several(deeds: &[Deed], words: &dyn Words) -> String {
    let rows = deeds.iter().map(|deed| {
        let [at, actor, what, why] = deed.row(words);
        let number = plain(deed.insure_num.as_deref().unwrap_or("-"));
        [at, actor, number, what, why]
    });
    columns(0, &rows.collect::<Vec<_>>())
}
