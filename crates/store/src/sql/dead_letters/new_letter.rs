use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use xiebao_core::digest;
use xiebao_core::envelope::Envelope;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Entry;
use xiebao_core::reason::Rejection;

use super::DeadLetterStatus;
use crate::StoreError;
use crate::schema::dead_letters;

/// Maximum length of `detail` in characters. The rest is dropped: it describes the notice and is not part of it.
const DETAIL_CHARS: usize = 1000;

/// A dead letter to file.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = dead_letters)]
pub struct NewDeadLetter {
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: String,
    /// Proposal number.
    pub insure_num: Option<String>,
    /// `partnerId` of the platform.
    pub partner_id: Option<i64>,
    /// `notifyType` of the platform.
    pub notify_type: Option<i64>,
    /// Group of causes, see [`Reason`](xiebao_core::reason::Reason).
    pub reason: String,
    /// The cause in words.
    pub detail: String,
    /// The message as received.
    pub body: Vec<u8>,
    /// UTC: first receipt.
    pub received_at: NaiveDateTime,
    /// The form of the data that was signed; `None` if unknown.
    pub signature_form: Option<String>,
    /// Number of failed attempts.
    pub attempts: i64,
    /// Open, requeued or discarded.
    pub status: DeadLetterStatus,
    /// UTC: first failure.
    pub first_dead_at: NaiveDateTime,
    /// UTC: last failure.
    pub last_dead_at: NaiveDateTime,
}

impl NewDeadLetter {
    /// From a held notice that will not be applied.
    pub fn of_entry(entry: &Entry, rejection: &Rejection, now: DateTime<Utc>) -> Self {
        let mut letter = Self::blank(
            entry.notice.digest.to_string(),
            &entry.raw,
            entry.deliveries.first,
            now,
        );
        letter.insure_num = Some(entry.notice.insure_num.to_string());
        letter.partner_id = Some(entry.notice.partner_id.0);
        letter.notify_type = Some(entry.notice.step.notify_type().0);
        letter.because(rejection)
    }

    /// From a message of the dead-letter queue.
    pub fn of_envelope(envelope: &Envelope, rejection: &Rejection, now: DateTime<Utc>) -> Self {
        let digest = envelope.digest().to_string();
        let mut letter = Self::blank(digest, envelope.body(), envelope.received_at(), now);
        letter.insure_num = envelope.insure_num().map(InsureNum::to_string);
        letter.partner_id = Some(envelope.partner_id().0);
        letter.notify_type = Some(envelope.notify_type().0);
        letter.signature_form = envelope.form().map(|form| form.name().to_owned());
        letter.because(rejection)
    }

    /// From a message that is not a notice.
    pub fn of_bytes(body: &[u8], rejection: &Rejection, now: DateTime<Utc>) -> Self {
        Self::blank(digest::of_bytes(body).to_string(), body, now, now).because(rejection)
    }

    fn blank(digest: String, body: &[u8], received_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            digest,
            insure_num: None,
            partner_id: None,
            notify_type: None,
            reason: String::new(),
            detail: String::new(),
            body: body.to_vec(),
            received_at: received_at.naive_utc(),
            signature_form: None,
            attempts: 1,
            status: DeadLetterStatus::Open,
            first_dead_at: now.naive_utc(),
            last_dead_at: now.naive_utc(),
        }
    }

    /// Leaves out the body, which the database cannot store for this reason.
    pub fn leave_out_body(&mut self, error: &StoreError) {
        let bytes = std::mem::take(&mut self.body).len();
        let detail = format!("{}; its {bytes} bytes could not be stored: {error}", self.detail);
        self.detail = detail.chars().take(DETAIL_CHARS).collect();
    }

    fn because(mut self, rejection: &Rejection) -> Self {
        self.reason = rejection.reason.name().to_owned();
        self.detail = rejection.detail.chars().take(DETAIL_CHARS).collect();
        self
    }
}
