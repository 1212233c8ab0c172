//! Facts → status. A function of the facts, never of their order.

use crate::facts::{Fact, Notice};
use crate::id::{Step, StepSet};
pub use crate::status::Status;

/// How far a proposal has come: which steps have succeeded, which have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// The steps of which a notice reports success.
    pub succeeded: StepSet,
    /// The steps of which a notice reports failure. A step can have done both.
    pub failed: StepSet,
    /// A successful 4 without `cancelInsurants`.
    pub cancelled_in_full: bool,
}

impl Facts {
    /// The facts that these notices state. The caller passes applied notices only.
    pub fn of<'n>(applied: impl IntoIterator<Item = &'n Notice>) -> Self {
        let mut facts = Self::default();
        for notice in applied {
            facts.add(notice);
        }
        facts
    }

    /// Adds one more notice.
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

    /// The first status of the contract's list that holds; `None` if none does yet.
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
