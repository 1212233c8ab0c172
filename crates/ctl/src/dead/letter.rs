//! A dead letter as it is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::NotifyType;
use xiebao_core::reason::Reason;
use xiebao_store::sql::dead_letters::DeadLetter;

use crate::screen::{beijing, plain};
use crate::words::{Label, Words};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    pub id: i64,
    pub status: String,
    pub insure_num: Option<String>,
    pub partner_id: Option<i64>,
    pub notify_type: Option<NotifyType>,
    pub reason: String,
    pub detail: String,
    pub attempts: i64,
    pub requeue_count: i64,
    pub discard_reason: Option<String>,
    pub received_at: DateTime<Utc>,
    pub first_dead_at: DateTime<Utc>,
    pub last_dead_at: DateTime<Utc>,
    pub signature_form: Option<String>,
    pub digest: String,
    /// Its body was emptied then, because of its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<DateTime<Utc>>,
}

impl Letter {
    pub fn of(row: &DeadLetter) -> Self {
        Self {
            id: row.id,
            status: row.status.clone(),
            insure_num: row.insure_num.clone(),
            partner_id: row.partner_id,
            notify_type: row.notify_type.map(NotifyType),
            reason: row.reason.clone(),
            detail: row.detail.clone(),
            attempts: row.attempts,
            requeue_count: row.requeue_count,
            discard_reason: row.discard_reason.clone(),
            received_at: row.received_at.and_utc(),
            first_dead_at: row.first_dead_at.and_utc(),
            last_dead_at: row.last_dead_at.and_utc(),
            signature_form: row.signature_form.clone(),
            digest: row.digest.clone(),
            pruned_at: row.pruned_at.map(|at| at.and_utc()),
        }
    }

    pub fn is_open(&self) -> bool {
        self.status == "open"
    }

    /// `#12  payment notice (2)  open  2026-07-23 09:15:02`
    pub fn headline(&self, words: &dyn Words) -> String {
        let mut parts = vec![
            format!("#{}", self.id),
            words.notice(self.notify_type),
            words.letter_status(&self.status).to_owned(),
            beijing(self.last_dead_at),
        ];
        if self.attempts > 1 {
            parts.push(words.times(self.attempts));
        }
        parts.join("  ")
    }

    /// The cause in words, with the detail that the worker noted.
    pub fn why(&self, words: &dyn Words) -> String {
        let why = format!("{} ({})", reason(&self.reason, words), plain(&self.detail));
        let mut said = words.pair(words.label(Label::Why), &why);
        if let Some(text) = &self.discard_reason {
            let discarded = words.pair(words.label(Label::DiscardedBecause), &plain(text));
            said = words.clauses(&[said, discarded]);
        }
        said
    }

    pub fn repair(&self, words: &dyn Words) -> String {
        let repair = Reason::from_name(&self.reason).map_or("-", |reason| words.repair(reason));
        words.pair(words.label(Label::Repair), repair)
    }
}

/// The group of causes; one of a later release keeps its name.
pub fn reason(name: &str, words: &dyn Words) -> String {
    Reason::from_name(name).map_or_else(|| plain(name), |reason| words.reason(reason).to_owned())
}
