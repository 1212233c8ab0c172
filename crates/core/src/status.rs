//! The status of a proposal, as `proposals.status` holds it.

use std::fmt;

use serde::Serialize;

/// `proposals.status`. [`Facts::status`](crate::lifecycle::Facts::status) says when each one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A reissue (type 5) has succeeded.
    Reissued,
    /// A cancellation (type 4) of the whole proposal has succeeded.
    Cancelled,
    /// Only cancellations of some persons have succeeded.
    PartiallyCancelled,
    /// An issue (type 3) has succeeded.
    Issued,
    /// An issue has failed, and none has succeeded.
    IssueFailed,
    /// A payment (type 2) has succeeded.
    Paid,
    /// A payment has failed, and none has succeeded.
    PayFailed,
    /// An insured notice (type 1) reports success.
    Insured,
    /// Insured notices report failure only.
    InsureFailed,
}

impl Status {
    /// All statuses, in the order in which [`Facts::status`](crate::lifecycle::Facts::status) tries them.
    pub const ALL: [Status; 9] = [
        Status::Reissued,
        Status::Cancelled,
        Status::PartiallyCancelled,
        Status::Issued,
        Status::IssueFailed,
        Status::Paid,
        Status::PayFailed,
        Status::Insured,
        Status::InsureFailed,
    ];

    /// `None` for a name that only a later release knows.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The text in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Reissued => "reissued",
            Status::Cancelled => "cancelled",
            Status::PartiallyCancelled => "partially_cancelled",
            Status::Issued => "issued",
            Status::IssueFailed => "issue_failed",
            Status::Paid => "paid",
            Status::PayFailed => "pay_failed",
            Status::Insured => "insured",
            Status::InsureFailed => "insure_failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
