//! Notices whose bodies were pruned: everything about them is known except their content.

use chrono::{DateTime, Utc};

use super::{Deliveries, Ledger};
use crate::id::{Digest, NotifyType, PartnerId};

/// An applied notice whose body was emptied because of its age.
///
/// A copy of it is a duplicate for ever. Its facts are gone, so the rows of its proposal cannot be recomputed, and no further notice
/// of the proposal can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// `notifyType`.
    pub notify_type: NotifyType,
    /// Identity of the notice.
    pub digest: Digest,
    /// See [`Entry::occurrence`](super::Entry::occurrence).
    pub occurrence: i32,
    /// `partnerId`.
    pub partner_id: PartnerId,
    /// 1, 2, 3… in the order of applying within the proposal.
    pub seq: i64,
    /// UTC.
    pub applied_at: DateTime<Utc>,
    /// UTC.
    pub pruned_at: DateTime<Utc>,
    /// See [`Entry::voided`](super::Entry::voided).
    pub voided: bool,
    /// Its deliveries.
    pub deliveries: Deliveries,
    /// Its deliveries have to be written.
    pub deliveries_changed: bool,
}

impl Ledger {
    /// Bodies of the proposal were pruned: the tables alone hold its rows, and nothing can be added to them.
    pub fn is_pruned(&self) -> bool {
        !self.pruned.is_empty()
    }

    /// Every pruned notice is voided, so the rows can be computed from the other notices.
    pub fn lost_nothing(&self) -> bool {
        self.pruned.iter().all(|known| known.voided)
    }

    /// Counts a copy of the first of these pruned notices, and extends the deliveries of the others to it.
    pub(crate) fn count_copy_of_pruned(&mut self, copies: &[usize], at: DateTime<Utc>, redelivered: bool) {
        for (nth, index) in copies.iter().enumerate() {
            let known = &mut self.pruned[*index];
            if nth == 0 {
                known.deliveries.add(at, redelivered);
            } else {
                known.deliveries.extend_to(at);
            }
            known.deliveries_changed = true;
        }
    }
}
