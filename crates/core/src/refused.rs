//! Records of refused requests: the receiver publishes them, the worker stores them.
//!
//! A record holds no body, no name and no signature. Only a record with a digest comes from an authentic notice; anyone can forge
//! the content of the others.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Maximum length of any text of a record, in characters.
pub const TEXT_CHARS: usize = 64;

/// Maximum number of records in one message.
pub const RECORDS: usize = 100;

/// Refused requests of one kind from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Unique id of the record: 32 hex digits.
    pub id: String,
    /// The first request, UTC.
    pub first_at: DateTime<Utc>,
    /// The last request, UTC.
    pub last_at: DateTime<Utc>,
    /// The number of requests.
    pub tries: i64,
    /// The verdict of the receiver, for example `bad_signature`.
    pub verdict: String,
    /// The address of the sender.
    pub source: Option<String>,
    /// The proposal number that the requests claim.
    pub insure_num: Option<String>,
    /// `notifyType`, as claimed.
    pub notify_type: Option<i64>,
    /// `partnerId`, as claimed.
    pub partner_id: Option<i64>,
    /// Digest of an authentic notice; the other fields are then authentic too. `None` if the requests are not.
    pub digest: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Message {
    v: u32,
    refused: Vec<Refused>,
}

/// Version of the message. A change that an older worker could misunderstand raises it.
const VERSION: u32 = 1;

/// The message with these records.
pub fn write(refused: &[Refused]) -> Vec<u8> {
    let message = Message {
        v: VERSION,
        refused: refused.to_vec(),
    };
    serde_json::to_vec(&message).unwrap_or_default()
}

/// The records of a message. Any client that may publish can forge it, so values that do not fit their column or are not plain text
/// are dropped.
///
/// # Errors
///
/// The message is not such a message, or a later version.
pub fn read(message: &[u8]) -> Result<Vec<Refused>, String> {
    let message: Message = serde_json::from_slice(message).map_err(|_| "not a record of refused requests")?;
    if message.v != VERSION {
        return Err(format!("of version {}", message.v));
    }
    let records = message.refused.into_iter().take(RECORDS);
    Ok(records.filter_map(Refused::sanitized).collect())
}

impl Refused {
    /// Drops forged texts; `None` if the record itself is invalid.
    fn sanitized(self) -> Option<Self> {
        let hex =
            |text: &str, digits: usize| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex(&self.id, 32) || self.tries < 1 || self.last_at < self.first_at {
            return None;
        }
        Some(Self {
            verdict: claimed(&self.verdict)?,
            source: self.source.as_deref().and_then(claimed),
            insure_num: self.insure_num.as_deref().and_then(claimed),
            digest: self.digest.filter(|digest| hex(digest, 64)),
            ..self
        })
    }
}

/// A claimed text, if it is short and printable.
pub fn claimed(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic();
    let fits = !text.is_empty() && text.chars().count() <= TEXT_CHARS && text.chars().all(plain);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of version 1, as first published.
    const GOLDEN: &str = r#"{"v":1,"refused":[{"id":"000000000000000000000000000000aa","first_at":"2026-07-23T01:15:02Z","last_at":"2026-07-23T06:15:02Z","tries":7,"verdict":"unavailable","source":"192.0.2.7","insure_num":"20260723373797","notify_type":2,"partner_id":1048483,"digest":"00000000000000000000000000000000000000000000000000000000000000bb"},{"id":"000000000000000000000000000000cc","first_at":"2026-07-23T01:15:02Z","last_at":"2026-07-23T01:15:02Z","tries":1,"verdict":"not_allowed","source":null,"insure_num":null,"notify_type":null,"partner_id":null,"digest":null}]}"#;

    #[test]
    fn a_message_of_every_version_ever_published_can_be_read() {
        let read = read(GOLDEN.as_bytes()).expect("a message");
        assert_eq!((read.len(), read[0].tries), (2, 7));
        assert_eq!(String::from_utf8(write(&read)).as_deref(), Ok(GOLDEN));
    }

    #[test]
    fn forged_values_are_dropped() {
        let with = |from: &str, to: &str| read(GOLDEN.replace(from, to).as_bytes());
        let first = |read: Result<Vec<Refused>, String>| read.expect("a message").remove(0);
        assert_eq!(first(with("20260723373797", r"\u001b[2J")).insure_num, None);
        assert_eq!(first(with("20260723373797", &"9".repeat(65))).insure_num, None);
        assert_eq!(first(with("192.0.2.7", "a b")).source, None);
        assert_eq!(with("0000aa", "zzzz").map(|read| read.len()), Ok(1));
        assert_eq!(with("\"tries\":7", "\"tries\":0").map(|read| read.len()), Ok(1));
        assert!(with("\"v\":1", "\"v\":2").is_err());
        assert!(read(b"{}").is_err());
    }

    #[test]
    fn a_claim_is_short_plain_text() {
        assert_eq!(claimed(" 2026-A投 ").as_deref(), Some("2026-A投"));
        assert_eq!(claimed("a\u{202e}b"), None);
        assert_eq!(claimed(""), None);
    }
}
