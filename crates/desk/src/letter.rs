//! A dead letter as people and programs see it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::envelope::EnvelopeError;
use xiebao_core::id::NotifyType;
use xiebao_core::reason::Reason;
use xiebao_store::sql::dead_letters::{DeadLetter, DeadLetterStatus};

/// A dead letter without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its number.
    pub id: i64,
    /// `open`, `requeued` or `discarded`.
    pub status: DeadLetterStatus,
    /// Its proposal, if the body states one.
    pub insure_num: Option<String>,
    /// Its partner, if the body states one.
    pub partner_id: Option<i64>,
    /// Its type, if the body states one.
    pub notify_type: Option<NotifyType>,
    /// Its group of causes.
    pub reason: String,
    /// The cause in detail, in English.
    pub detail: String,
    /// How often it died.
    pub attempts: i64,
    /// How often a person requeued it.
    pub requeue_count: i64,
    /// Why a person discarded it.
    pub discard_reason: Option<String>,
    /// When a receiver took the notice.
    pub received_at: DateTime<Utc>,
    /// When it died first.
    pub first_dead_at: DateTime<Utc>,
    /// When it died last.
    pub last_dead_at: DateTime<Utc>,
    /// The form of text that was signed.
    pub signature_form: Option<String>,
    /// The digest of the notice, or of the body if it is not a notice.
    pub digest: String,
    /// When its body was emptied because of its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<DateTime<Utc>>,
}

impl Letter {
    /// The letter of a row.
    pub fn of(row: &DeadLetter) -> Self {
        Self {
            id: row.id,
            status: row.status,
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

    /// The release that filed it could not accept its content, and no command changes that.
    pub fn needs_a_new_notice(&self) -> bool {
        let reason = Reason::from_name(&self.reason);
        matches!(reason, Some(Reason::Incomplete | Reason::InvalidField))
    }

    /// It waits for a decision.
    pub fn is_open(&self) -> bool {
        self.status == DeadLetterStatus::Open
    }
}

/// Why a letter cannot be requeued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRequeueable {
    /// Its body was emptied because of its age.
    Pruned,
    /// Its body is not a notice; the text says why, in English.
    NotANotice(String),
}

impl From<EnvelopeError> for NotRequeueable {
    fn from(error: EnvelopeError) -> Self {
        Self::NotANotice(error.to_string())
    }
}
