//! A dead letter as the message that it was.

use bytes::Bytes;
use chrono::SecondsFormat;
use xiebao_core::envelope::{Envelope, EnvelopeError, header};
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::DeadLetter;

/// The message as it was first published: same identity, same time of receipt, same form of signature. What befell it
/// since (why it died, how often it was tried) is not in it, so it starts anew.
pub fn of(letter: &DeadLetter, body: Vec<u8>) -> Result<Envelope, EnvelopeError> {
    let received_at = letter
        .received_at
        .and_utc()
        .to_rfc3339_opts(SecondsFormat::Micros, true);
    let header = |name: &str| match name {
        header::RECEIVED_AT => Some(received_at.as_str()),
        header::SIGNATURE_FORM => letter.signature_form.as_deref(),
        _ => None,
    };
    Envelope::from_message(Bytes::from(body), header, clock::now())
}
