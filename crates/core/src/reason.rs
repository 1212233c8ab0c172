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
}

impl Reason {
    pub const ALL: [Reason; 8] = [
        Reason::Unreadable,
        Reason::Incomplete,
        Reason::InvalidField,
        Reason::TooLong,
        Reason::PartnerMismatch,
        Reason::TimedOut,
        Reason::ApplyFailed,
        Reason::DeliveryLimit,
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

/// A cause with its words. The words name fields and lengths, never a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: Reason,
    pub detail: String,
}

impl Rejection {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}
