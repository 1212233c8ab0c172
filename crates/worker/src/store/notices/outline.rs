use xiebao_core::id::{NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Hold, Receipts};
use xiebao_core::sequencing::{Outline, Standing};

use super::NoticeRow;

impl NoticeRow {
    /// What it is to a sketch of its proposal; `None`: a sketch has no place for it.
    pub fn outline(&self) -> Option<Outline<'_>> {
        if self.voided || self.emptied_at().is_some() {
            return None;
        }
        let standing = match (self.outcome.as_str(), self.held_at, self.hold_until) {
            ("applied", ..) => Standing::Applied,
            ("held", Some(at), Some(until)) => Standing::Held(Hold {
                at: at.and_utc(),
                until: until.and_utc(),
            }),
            _ => return None,
        };
        Some(Outline {
            step: Step::of(NotifyType(self.notify_type))?,
            digest: &self.digest,
            partner_id: PartnerId(self.partner_id),
            standing,
            receipts: self.receipts(),
            recounted: false,
        })
    }

    pub fn is_applied(&self) -> bool {
        self.outcome == "applied"
    }

    pub(super) fn receipts(&self) -> Receipts {
        Receipts {
            first: self.received_at.and_utc(),
            last: self.last_received_at.and_utc(),
            count: self.deliveries,
        }
    }

    pub fn recount(&mut self, receipts: &Receipts) {
        self.received_at = receipts.first.naive_utc();
        self.last_received_at = receipts.last.naive_utc();
        self.deliveries = receipts.count;
    }
}
