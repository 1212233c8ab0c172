//! A notice of the story, and what became of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_core::facts::Notice;
use xiebao_core::id::{Digest, NotifyType, Step};
use xiebao_core::ledger::{Deliveries, Entry, Hold, Ledger, State};
use xiebao_core::rules::{OnTimeout, Rules};
use xiebao_core::sequencing;
use xiebao_store::sql::notices::NoticeRow;

use super::also::{self, Also};
use super::voided::Voided;

/// A notice, and what became of it.
#[derive(Debug, Serialize)]
pub struct Chapter<'l> {
    #[serde(skip)]
    pub entry: &'l Entry,
    pub seq: Option<i64>,
    pub notify_type: NotifyType,
    pub step: Step,
    pub success: bool,
    pub digest: &'l Digest,
    pub occurrence: i32,
    pub received: Deliveries,
    pub hold: Option<Hold>,
    pub applied_at: Option<DateTime<Utc>>,
    /// How it was applied; `None`: it is held.
    pub went: Option<Going>,
    /// The steps that it waits for, or was applied without and that are still to come.
    pub waits_for: Vec<Step>,
    /// What happens to a held notice when its wait ends.
    pub at_timeout: Option<OnTimeout>,
    /// A person has taken it out of the facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voided: Option<Voided>,
    pub data: Box<RawValue>,
    #[serde(skip)]
    pub also: Vec<Also>,
}

/// How a notice came to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    AtOnce,
    /// After waiting, when what it waited for had come.
    InOrder,
    TimedOut,
    /// A person let it go.
    ByHand,
}

/// A notice that was kept without being applied.
#[derive(Debug, Serialize)]
pub struct Ignored {
    pub notify_type: NotifyType,
    pub digest: String,
    pub received: Deliveries,
    pub data: Box<RawValue>,
    /// Its body was emptied then, because of its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub notice: Option<Notice>,
    #[serde(skip)]
    pub also: Vec<Also>,
}

impl<'l> Chapter<'l> {
    pub fn of(entry: &'l Entry, ledger: &Ledger, rules: &Rules) -> Self {
        let (seq, applied_at) = match entry.state {
            State::Applied { seq, at } => (Some(seq), Some(at)),
            State::Held => (None, None),
        };
        let notice = &entry.notice;
        let waits = entry.is_held() || entry.out_of_order;
        let missing = if waits {
            sequencing::missing(ledger, notice.step, rules).iter().collect()
        } else {
            vec![]
        };
        let (data, also) = also::read(&entry.raw);
        Self {
            seq,
            notify_type: notice.step.notify_type(),
            step: notice.step,
            success: notice.success,
            digest: &notice.digest,
            occurrence: entry.occurrence,
            received: entry.deliveries,
            hold: entry.hold,
            applied_at,
            went: applied_at.map(|at| going(entry, at)),
            waits_for: missing,
            at_timeout: entry.is_held().then(|| rules.on_timeout(notice.step)),
            voided: None,
            data,
            also,
            entry,
        }
    }
}

/// Only a person lets a notice go before its wait has ended.
fn going(entry: &Entry, applied_at: DateTime<Utc>) -> Going {
    match (entry.out_of_order, entry.hold) {
        (false, None) => Going::AtOnce,
        (false, Some(_)) => Going::InOrder,
        (true, Some(hold)) if applied_at < hold.until => Going::ByHand,
        (true, _) => Going::TimedOut,
    }
}

/// Those of these rows that were kept without being applied, those first that came first.
pub fn ignored(inbox: &[NoticeRow]) -> Vec<Ignored> {
    let rows = inbox.iter().filter(|row| row.outcome == "ignored");
    let mut ignored: Vec<Ignored> = rows.map(Ignored::of).collect();
    ignored.sort_by_key(|notice| notice.received.first);
    ignored
}

impl Ignored {
    fn of(row: &NoticeRow) -> Self {
        let raw = bytes::Bytes::copy_from_slice(&row.raw);
        let (data, also) = also::read(&raw);
        Self {
            notify_type: NotifyType(row.notify_type),
            digest: row.digest.clone(),
            received: Deliveries {
                first: row.received_at.and_utc(),
                last: row.last_received_at.and_utc(),
                count: row.deliveries,
            },
            data,
            pruned_at: row.emptied_at().map(|at| at.and_utc()),
            notice: Notice::read(&raw).ok(),
            also,
        }
    }
}
