//! What a row tells without its body.

use xiebao_core::id::{Digest, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Hold, Place, Receipts};
use xiebao_core::sequencing::{Outline, Standing};

use super::NoticeRow;

impl NoticeRow {
    /// What it is to a sketch of its proposal; `None`: a sketch has no place for it, or it is none that was written so.
    pub fn outline(&self) -> Option<Outline<'_>> {
        if self.voided || self.raw.is_empty() {
            return None;
        }
        let standing = match self.place()? {
            Place::Applied { .. } => Standing::Applied,
            Place::Held => Standing::Held(self.hold()?),
        };
        Digest::is_one(&self.digest).then_some(Outline {
            step: Step::of(NotifyType(self.notify_type))?,
            digest: &self.digest,
            partner_id: PartnerId(self.partner_id),
            standing,
            receipts: self.receipts(),
            copied: false,
        })
    }

    /// `None`: it contradicts itself, or is ignored.
    pub(super) fn place(&self) -> Option<Place> {
        match (self.outcome.as_str(), self.seq, self.applied_at) {
            ("applied", Some(seq), Some(at)) => Some(Place::Applied {
                seq,
                at: at.and_utc(),
            }),
            ("held", None, None) => Some(Place::Held),
            _ => None,
        }
    }

    pub fn is_applied(&self) -> bool {
        matches!(self.place(), Some(Place::Applied { .. }))
    }

    pub(super) fn hold(&self) -> Option<Hold> {
        let (at, until) = self.held_at.zip(self.hold_until)?;
        Some(Hold {
            at: at.and_utc(),
            until: until.and_utc(),
        })
    }

    pub(super) fn receipts(&self) -> Receipts {
        Receipts {
            first: self.received_at.and_utc(),
            last: self.last_received_at.and_utc(),
            count: self.deliveries,
        }
    }

    pub fn set_receipts(&mut self, receipts: &Receipts) {
        self.received_at = receipts.first.naive_utc();
        self.last_received_at = receipts.last.naive_utc();
        self.deliveries = receipts.count;
    }
}
