//! A notice of which all is known but what it said.

use chrono::{DateTime, Utc};

use super::{Ledger, Receipts};
use crate::id::{Digest, NotifyType, PartnerId};

/// An applied notice whose body was emptied because of its age. A copy of it is a duplicate for ever; rows can't be made
/// from it any more, and so neither from what comes anew to its proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    pub notify_type: NotifyType,
    pub digest: Digest,
    pub occurrence: i32,
    pub partner_id: PartnerId,
    pub seq: i64,
    pub applied_at: DateTime<Utc>,
    pub pruned_at: DateTime<Utc>,
    pub voided: bool,
    pub receipts: Receipts,
    /// A copy has come, which the database does not know yet.
    pub recounted: bool,
}

impl Ledger {
    /// The bodies of its notices are gone: its rows are what the tables hold, and nothing can be added to them.
    pub fn is_pruned(&self) -> bool {
        !self.pruned.is_empty()
    }

    /// Nothing that counts was lost with the bodies: all these notices are voided, and rows can be made from the others.
    pub fn lost_nothing(&self) -> bool {
        self.pruned.iter().all(|known| known.voided)
    }

    pub(super) fn count_copy_of_pruned(&mut self, copies: &[usize], at: DateTime<Utc>, redelivered: bool) {
        for (nth, index) in copies.iter().enumerate() {
            let known = &mut self.pruned[*index];
            if nth == 0 {
                known.receipts.add(at, redelivered);
            } else {
                known.receipts.reach(at);
            }
            known.recounted = true;
        }
    }
}
