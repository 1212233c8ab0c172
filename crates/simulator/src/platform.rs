//! The platform signs notices, and sends them again until they are acknowledged.

use std::time::Duration;

use md5::{Digest as _, Md5};
use xiebao_core::id::PartnerId;

/// Signs as the document has it (section 1.3), from its text and not by the product's own code.
#[derive(Clone)]
pub struct Signer {
    partner_id: PartnerId,
    key: String,
}

impl Signer {
    /// A signer for this partner, with this key.
    pub fn new(partner_id: PartnerId, key: String) -> Self {
        Self { partner_id, key }
    }

    /// The partner.
    pub fn partner_id(&self) -> PartnerId {
        self.partner_id
    }

    /// Lower-case hex of `MD5(key + data)`.
    pub fn sign(&self, data: &str) -> String {
        md5_hex(&[&self.key, data])
    }

    /// A known mistake: `MD5(data + key)`.
    pub fn sign_behind(&self, data: &str) -> String {
        md5_hex(&[data, &self.key])
    }

    /// Another known mistake: `MD5(data)`.
    pub fn without_key(data: &str) -> String {
        md5_hex(&[data])
    }
}

fn md5_hex(parts: &[&str]) -> String {
    let mut hasher = Md5::new();
    parts.iter().for_each(|part| hasher.update(part.as_bytes()));
    hex::encode(hasher.finalize())
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, …)", self.partner_id)
    }
}

/// The `Content-Type` of a request, which the receiver must ignore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// JSON, as the document has it.
    Json,
    /// A form, which it is not.
    Form,
    /// Plain text.
    Text,
    /// No header.
    None,
}

impl ContentType {
    /// The value of the header.
    pub const fn header(self) -> Option<&'static str> {
        match self {
            ContentType::Json => Some("application/json;charset=UTF-8"),
            ContentType::Form => Some("application/x-www-form-urlencoded"),
            ContentType::Text => Some("text/plain"),
            ContentType::None => None,
        }
    }
}

/// The document's section 4: once after 3 s, then hourly, five times.
#[derive(Debug, Clone, Copy)]
pub struct ResendRule {
    /// How many times faster than the platform's clock.
    pub time_scale: f64,
}

impl ResendRule {
    const FIRST: f64 = 3.0;
    const NEXT: f64 = 3600.0;
    const HOURLY: u32 = 5;

    /// How long to wait before the next try, after this many tries (1 or more). `None`: the platform gives up.
    pub fn delay_after(self, tries: u32) -> Option<Duration> {
        let seconds = match tries {
            0 | 1 => Self::FIRST,
            _ if tries <= Self::HOURLY + 1 => Self::NEXT,
            _ => return None,
        };
        Some(Duration::from_secs_f64(seconds / self.time_scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_md5_over_key_and_data() {
        let signer = Signer::new(PartnerId(1), "k".to_owned());
        assert_eq!(signer.sign("{}"), hex::encode(Md5::digest(b"k{}")));
    }

    #[test]
    fn the_platform_sends_six_times_more_and_gives_up() {
        let rule = ResendRule { time_scale: 3600.0 };
        let delays: Vec<_> = (1..).map_while(|tries| rule.delay_after(tries)).collect();
        assert_eq!(delays.len(), 6);
        assert_eq!(delays[0], Duration::from_secs_f64(3.0 / 3600.0));
        assert_eq!(delays[1..], [Duration::from_secs(1); 5]);
    }
}
