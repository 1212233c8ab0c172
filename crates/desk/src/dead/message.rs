//! A dead letter as the message that it was.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use xiebao_core::envelope::{Envelope, header};
use xiebao_store::sql::dead_letters::DeadLetter;

use crate::letter::NotRequeueable;

/// The message as a receiver first published it: same digest, same time of receipt, same form of signature. It does not
/// say why it died or how often it was tried, so the count of attempts starts at zero.
pub fn of(letter: &DeadLetter, body: Vec<u8>, now: DateTime<Utc>) -> Result<Envelope, NotRequeueable> {
    if letter.pruned_at.is_some() {
        return Err(NotRequeueable::Pruned);
    }
    let received_at = letter
        .received_at
        .and_utc()
        .to_rfc3339_opts(SecondsFormat::Micros, true);
    let header = |name: &str| match name {
        header::RECEIVED_AT => Some(received_at.as_str()),
        header::SIGNATURE_FORM => letter.signature_form.as_deref(),
        _ => None,
    };
    Ok(Envelope::from_message(Bytes::from(body), header, now)?)
}
