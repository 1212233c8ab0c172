//! Notices that wait for an earlier one: the list, and their release by a person.

pub mod release;

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::{Digest, InsureNum, NotifyType, Step};
use xiebao_core::ledger::{Entry, Ledger};
use xiebao_core::rules::{OnTimeout, Rules};
use xiebao_core::sequencing;
use xiebao_store::sql::notices;
use xiebao_store::{Store, StoreError, transaction};

use crate::screen::{columns, cut_to, plain, short};
use crate::words::Words;

/// The answer to [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldList {
    /// The waiting notices, the next to fall due first.
    pub held: Vec<HeldNotice>,
    /// There are more.
    pub cut: bool,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldNotice {
    /// Its proposal.
    pub insure_num: InsureNum,
    /// Its type.
    pub notify_type: NotifyType,
    /// The step that its type stands for.
    pub step: Step,
    /// Its digest.
    pub digest: Digest,
    /// When its wait began.
    pub since: Option<DateTime<Utc>>,
    /// When its wait ends at the latest.
    pub until: Option<DateTime<Utc>>,
    /// The steps that it waits for.
    pub waits_for: Vec<Step>,
    /// The outcome when its wait ends.
    pub at_timeout: OnTimeout,
}

/// The waiting notices, at most `limit` of them.
pub async fn list(store: &Store, rules: &Rules, limit: u32) -> Result<HeldList, StoreError> {
    let mut conn = store.connection().await?;
    let most = i64::from(limit);
    let rows = notices::held(&mut conn, most + 1).await?;
    let numbers = rows
        .iter()
        .filter_map(|row| InsureNum::parse(&row.insure_num).ok().flatten());
    let numbers: Vec<InsureNum> = numbers.collect();
    let ledgers = transaction::load(&mut conn, numbers.iter()).await?;
    let waiting = ledgers
        .values()
        .flat_map(|ledger| ledger.held().map(|entry| HeldNotice::of(ledger, entry, rules)));
    let mut held: Vec<HeldNotice> = waiting.collect();
    held.sort_by(|a, b| (a.until, &a.insure_num).cmp(&(b.until, &b.insure_num)));
    let cut = i64::try_from(rows.len()).is_ok_and(|found| found > most);
    let cut = cut_to(&mut held, most) || cut;
    Ok(HeldList { held, cut })
}

impl HeldNotice {
    fn of(ledger: &Ledger, entry: &Entry, rules: &Rules) -> Self {
        let step = entry.notice.step;
        Self {
            insure_num: ledger.insure_num.clone(),
            notify_type: step.notify_type(),
            step,
            digest: entry.notice.digest.clone(),
            since: entry.hold.map(|hold| hold.at),
            until: entry.hold.map(|hold| hold.until),
            waits_for: sequencing::missing(ledger, step, rules).iter().collect(),
            at_timeout: rules.on_timeout(step),
        }
    }

    fn row(&self, words: &dyn Words) -> [String; 5] {
        [
            plain(self.insure_num.as_str()),
            words.notice(Some(self.notify_type)),
            words.waits_for(&self.waits_for),
            self.until
                .map_or_else(String::new, |until| words.until(until, self.at_timeout)),
            short(self.digest.as_str()),
        ]
    }
}

impl HeldList {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.held.is_empty() {
            return words.nothing_held().to_owned();
        }
        let rows: Vec<[String; 5]> = self.held.iter().map(|held| held.row(words)).collect();
        let cut = words.if_cut(self.cut, self.held.len());
        format!("{}\n{}{cut}", words.times_are_beijing(), columns(0, &rows))
    }
}
