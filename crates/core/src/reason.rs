//! Why a notice is a dead letter.

use std::fmt;

use serde::Serialize;

/// The group of causes; what `dead_letters.reason` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The body is no notice at all.
    Unreadable,
    /// Something is absent that the notice cannot do without.
    Incomplete,
    /// A date, amount, number or identity that is none, or a key that stands twice.
    InvalidField,
    /// A value does not fit its column.
    TooLong,
    /// The proposal belongs to another partner.
    PartnerMismatch,
    /// Its predecessor did not come in time, and the configuration says that it must.
    TimedOut,
    /// Applying it failed again and again, by itself.
    ApplyFailed,
    /// The broker gave up: too many workers fell over it.
    DeliveryLimit,
    /// The earlier notices of its proposal have no bodies any more, so rows can't be made from them and it.
    Pruned,
}

impl Reason {
    pub const ALL: [Reason; 9] = [
        Reason::Unreadable,
        Reason::Incomplete,
        Reason::InvalidField,
        Reason::TooLong,
        Reason::PartnerMismatch,
        Reason::TimedOut,
        Reason::ApplyFailed,
        Reason::DeliveryLimit,
        Reason::Pruned,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Reason::Unreadable => "unreadable",
            Reason::Incomplete => "incomplete",
            Reason::InvalidField => "invalid_field",
            Reason::TooLong => "too_long",
            Reason::PartnerMismatch => "partner_mismatch",
            Reason::TimedOut => "timed_out",
            Reason::ApplyFailed => "apply_failed",
            Reason::DeliveryLimit => "delivery_limit",
            Reason::Pruned => "pruned",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Characters of a rejection's words at most: they go into log lines and message headers, and a key that is quoted
/// may be as long as a body.
const DETAIL_CHARS: usize = 1000;

/// A cause with its words. The words name fields and lengths, never a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: Reason,
    pub detail: String,
}

impl Rejection {
    /// Words beyond 1,000 characters are cut off.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(DETAIL_CHARS) {
            detail.truncate(end);
        }
        Self { reason, detail }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_between_characters() {
        let cut = |detail: String| Rejection::new(Reason::InvalidField, detail).detail;
        assert_eq!(cut("键".repeat(200_000)), "键".repeat(1000));
        assert_eq!(cut("键".repeat(1000)), "键".repeat(1000));
        assert_eq!(cut("price".to_owned()), "price");
    }
}
