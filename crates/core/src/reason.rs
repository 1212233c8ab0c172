//! The causes of dead letters.

use std::fmt;

use serde::Serialize;

/// Group of causes, as `dead_letters.reason` holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The body cannot be read as a notice.
    Unreadable,
    /// A required field is absent.
    Incomplete,
    /// A date, amount, number or identity is invalid, or a key occurs twice.
    InvalidField,
    /// A value does not fit its column.
    TooLong,
    /// The proposal belongs to another partner.
    PartnerMismatch,
    /// The predecessor did not come in time, and `on_timeout` of the step is `dead_letter`.
    TimedOut,
    /// Every attempt to apply it failed, though other notices could be applied.
    ApplyFailed,
    /// The broker reached its delivery limit: too many workers crashed while they had the message.
    DeliveryLimit,
    /// The bodies of the proposal's earlier notices were pruned, so its rows cannot be recomputed.
    Pruned,
}

impl Reason {
    /// All reasons.
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

    /// The text in the column.
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

    /// `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Maximum length of a detail, in characters. Details go into log lines and message headers, and a quoted key can be as long as a
/// body.
const DETAIL_CHARS: usize = 1000;

/// A cause with its detail. The detail names fields and lengths, never a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Group of the cause.
    pub reason: Reason,
    /// The cause in words.
    pub detail: String,
}

impl Rejection {
    /// Cuts `detail` to 1,000 characters.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(DETAIL_CHARS) {
            detail.truncate(end);
        }
        Self { reason, detail }
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let cut = |detail: String| Rejection::new(Reason::InvalidField, detail).detail;
        assert_eq!(cut("键".repeat(200_000)), "键".repeat(1000));
        assert_eq!(cut("键".repeat(1000)), "键".repeat(1000));
        assert_eq!(cut("price".to_owned()), "price");
    }
}
