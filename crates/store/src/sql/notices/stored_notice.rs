//! The parts of a row that need no body.

use xiebao_core::id::{Digest, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Deliveries, Hold, State};
use xiebao_core::sequencing::{StoredNotice, StoredState};

use super::{NoticeOutcome, NoticeRow};

impl NoticeRow {
    /// The row for the fast path. `None` if the fast path does not handle it, or if it contradicts itself.
    pub fn stored_notice(&self) -> Option<StoredNotice<'_>> {
        if self.voided || self.raw.is_empty() {
            return None;
        }
        let state = match self.state()? {
            State::Applied { .. } => StoredState::Applied,
            State::Held => StoredState::Held(self.hold()?),
        };
        Digest::is_valid(&self.digest).then_some(StoredNotice {
            step: Step::of(NotifyType(self.notify_type))?,
            digest: &self.digest,
            partner_id: PartnerId(self.partner_id),
            state,
            deliveries: self.deliveries(),
            deliveries_changed: false,
        })
    }

    /// `None` if the row contradicts itself or is ignored.
    pub(super) fn state(&self) -> Option<State> {
        match (self.outcome, self.seq, self.applied_at) {
            (NoticeOutcome::Applied, Some(seq), Some(at)) => Some(State::Applied {
                seq,
                at: at.and_utc(),
            }),
            (NoticeOutcome::Held, None, None) => Some(State::Held),
            _ => None,
        }
    }

    /// True if the notice is applied.
    pub fn is_applied(&self) -> bool {
        matches!(self.state(), Some(State::Applied { .. }))
    }

    pub(super) fn hold(&self) -> Option<Hold> {
        let (at, until) = self.held_at.zip(self.hold_until)?;
        Some(Hold {
            at: at.and_utc(),
            until: until.and_utc(),
        })
    }

    pub(super) fn deliveries(&self) -> Deliveries {
        Deliveries {
            first: self.received_at.and_utc(),
            last: self.last_received_at.and_utc(),
            count: self.deliveries,
        }
    }

    /// Takes over times and number of deliveries.
    pub fn set_deliveries(&mut self, deliveries: &Deliveries) {
        self.received_at = deliveries.first.naive_utc();
        self.last_received_at = deliveries.last.naive_utc();
        self.deliveries = deliveries.count;
    }
}
