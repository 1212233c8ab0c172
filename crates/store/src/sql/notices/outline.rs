//! What a row tells without its body.

use xiebao_core::id::{Digest, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Deliveries, Hold, State};
use xiebao_core::sequencing::{StoredNotice, StoredState};

use super::NoticeRow;

impl NoticeRow {
    /// What it is to a sketch of its proposal; `None`: a sketch has no place for it, or it is none that was written so.
    pub fn outline(&self) -> Option<StoredNotice<'_>> {
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
            deliveries: self.receipts(),
            deliveries_changed: false,
        })
    }

    /// `None`: it contradicts itself, or is ignored.
    pub(super) fn state(&self) -> Option<State> {
        match (self.outcome.as_str(), self.seq, self.applied_at) {
            ("applied", Some(seq), Some(at)) => Some(State::Applied {
                seq,
                at: at.and_utc(),
            }),
            ("held", None, None) => Some(State::Held),
            _ => None,
        }
    }

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

    pub(super) fn receipts(&self) -> Deliveries {
        Deliveries {
            first: self.received_at.and_utc(),
            last: self.last_received_at.and_utc(),
            count: self.deliveries,
        }
    }

    pub fn set_receipts(&mut self, receipts: &Deliveries) {
        self.received_at = receipts.first.naive_utc();
        self.last_received_at = receipts.last.naive_utc();
        self.deliveries = receipts.count;
    }
}
