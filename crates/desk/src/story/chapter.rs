//! A notice of the story, and its outcome.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_core::facts::Notice;
use xiebao_core::id::{Digest, NotifyType, Step};
use xiebao_core::ledger::{Deliveries, Entry, Hold, Ledger, State};
use xiebao_core::rules::{OnTimeout, Rules};
use xiebao_core::sequencing;
use xiebao_store::sql::notices::{NoticeOutcome, NoticeRow};

use super::also::{self, Also};
use super::voided::Voided;

/// A notice that was applied or is held.
#[derive(Debug, Serialize)]
pub struct Chapter<'l> {
    /// Its entry in the ledger.
    #[serde(skip)]
    pub entry: &'l Entry,
    /// Its place in the order of application.
    pub seq: Option<i64>,
    /// Its type.
    pub notify_type: NotifyType,
    /// The step that its type stands for.
    pub step: Step,
    /// It reports success.
    pub success: bool,
    /// Its digest.
    pub digest: &'l Digest,
    /// Its number among distinct repetitions of an endorsement or abnormality.
    pub occurrence: i32,
    /// When it came, and how often.
    pub received: Deliveries,
    /// Its wait, over or not.
    pub hold: Option<Hold>,
    /// When it was applied.
    pub applied_at: Option<DateTime<Utc>>,
    /// How it came to be applied. `None` while it is held.
    pub went: Option<Going>,
    /// The steps that it waits for, or that it was applied without and that have not come since.
    pub waits_for: Vec<Step>,
    /// The outcome of a held notice when its wait ends.
    pub at_timeout: Option<OnTimeout>,
    /// A person has taken it out of the facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voided: Option<Voided>,
    /// `data` of its body.
    pub data: Box<RawValue>,
    /// Its statements that have no column.
    #[serde(skip)]
    pub also: Vec<Also>,
}

/// How a notice came to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    /// Without a wait.
    AtOnce,
    /// After a wait, when its predecessors had come.
    InOrder,
    /// When its wait ended, without its predecessors.
    TimedOut,
    /// When a person released it.
    ByHand,
}

/// A notice that was kept without being applied.
#[derive(Debug, Serialize)]
pub struct Ignored {
    /// Its type.
    pub notify_type: NotifyType,
    /// Its digest.
    pub digest: String,
    /// When it came, and how often.
    pub received: Deliveries,
    /// `data` of its body.
    pub data: Box<RawValue>,
    /// When its body was emptied because of its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<DateTime<Utc>>,
    /// Its facts, if its type is documented.
    #[serde(skip)]
    pub notice: Option<Notice>,
    /// Its statements that have no column.
    #[serde(skip)]
    pub also: Vec<Also>,
}

impl<'l> Chapter<'l> {
    /// The chapter of an entry of the ledger.
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

/// A notice applied out of order before its wait ended was released by a person.
fn going(entry: &Entry, applied_at: DateTime<Utc>) -> Going {
    match (entry.out_of_order, entry.hold) {
        (false, None) => Going::AtOnce,
        (false, Some(_)) => Going::InOrder,
        (true, Some(hold)) if applied_at < hold.until => Going::ByHand,
        (true, _) => Going::TimedOut,
    }
}

/// The ignored notices of these rows, the first that came first.
pub fn ignored(inbox: &[NoticeRow]) -> Vec<Ignored> {
    let rows = inbox.iter().filter(|row| row.outcome == NoticeOutcome::Ignored);
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
