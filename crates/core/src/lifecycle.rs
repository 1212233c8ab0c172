//! Facts → status. A function of the facts, never of their order.

use std::fmt;

use serde::Serialize;

use crate::facts::{Fact, Notice};
use crate::id::{Step, StepSet};

/// `proposals.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Reissued,
    Cancelled,
    PartiallyCancelled,
    Issued,
    IssueFailed,
    Paid,
    PayFailed,
    Insured,
    InsureFailed,
}

impl Status {
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

    /// `None`: one of a later release.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

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

/// How far a proposal has come: which steps have succeeded, which have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    pub succeeded: StepSet,
    pub failed: StepSet,
    /// A successful 4 without `cancelInsurants`.
    pub cancelled_in_full: bool,
}

impl Facts {
    pub fn of<'n>(applied: impl IntoIterator<Item = &'n Notice>) -> Self {
        let mut facts = Self::default();
        for notice in applied {
            facts.add(notice);
        }
        facts
    }

    pub fn add(&mut self, notice: &Notice) {
        if notice.success {
            self.succeeded.insert(notice.step);
        } else {
            self.failed.insert(notice.step);
        }
        if let Fact::Cancelled(cancellation) = &notice.fact {
            self.cancelled_in_full |= notice.success && cancellation.insurants.is_empty();
        }
    }

    /// The first that holds, of the contract's list; `None`: nothing has happened yet.
    pub fn status(&self) -> Option<Status> {
        let succeeded = |step| self.succeeded.contains(step);
        let failed = |step| self.failed.contains(step);
        let list = [
            (succeeded(Step::Reissued), Status::Reissued),
            (self.cancelled_in_full, Status::Cancelled),
            (succeeded(Step::Cancelled), Status::PartiallyCancelled),
            (succeeded(Step::Issued), Status::Issued),
            (failed(Step::Issued), Status::IssueFailed),
            (succeeded(Step::Paid), Status::Paid),
            (failed(Step::Paid), Status::PayFailed),
            (succeeded(Step::Insured), Status::Insured),
            (failed(Step::Insured), Status::InsureFailed),
        ];
        list.into_iter()
            .find_map(|(holds, status)| holds.then_some(status))
    }
}

#[cfg(test)]
mod tests;
