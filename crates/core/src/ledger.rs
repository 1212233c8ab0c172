//! The ledger of one proposal: its notices, applied and held, and the links that make it a reissued proposal.
//!
//! A worker loads a ledger, changes it, and writes the difference. [`crate::sequencing`] decides about the notices and changes the
//! ledger accordingly; this module holds the data, and the questions that need no rules.

mod entry;
mod pruned;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use entry::{Deliveries, Entry, Hold, State, WriteState};
pub use pruned::Pruned;

use crate::facts::Notice;
use crate::id::{Digest, InsureNum, NotifyType, PartnerId};
use crate::lifecycle::Facts;
use crate::reason::Rejection;

/// A notice that was stored without being applied, because its type was not subscribed.
#[derive(Debug, Clone)]
pub struct Ignored {
    /// `notifyType`.
    pub notify_type: NotifyType,
    /// Identity of the notice.
    pub digest: Digest,
    /// See [`Entry::occurrence`].
    pub occurrence: i32,
    /// Its deliveries.
    pub deliveries: Deliveries,
}

/// A successful 5 of another proposal that names this proposal as its successor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The cancelled proposal.
    pub reissued_from: InsureNum,
    /// The partner of the notice that states the link.
    pub partner_id: PartnerId,
}

/// A notice on its way into the ledger.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its content.
    pub notice: Arc<Notice>,
    /// The HTTP body, byte for byte.
    pub raw: Bytes,
    /// Receipt by the receiver, UTC.
    pub received_at: DateTime<Utc>,
    /// The broker has delivered the message before.
    pub redelivered: bool,
}

/// The notices and links of one proposal.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The proposal.
    pub insure_num: InsureNum,
    /// The partner of the notices that are held, or applied and not voided; `None` without any. A link alone makes no owner.
    pub owner: Option<PartnerId>,
    /// Notices applied or held.
    pub entries: Vec<Entry>,
    /// Notices of unsubscribed types.
    pub ignored: Vec<Ignored>,
    /// Notices whose bodies were pruned. If there are any, there are no entries.
    pub pruned: Vec<Pruned>,
    /// Proposals that name this one as their successor.
    pub links: Vec<Link>,
    /// Held notices that timed out. The caller makes them dead letters.
    pub rejected: Vec<(Entry, Rejection)>,
}

impl Ledger {
    /// The ledger of a proposal without notices.
    pub fn empty(insure_num: InsureNum) -> Self {
        Self {
            insure_num,
            owner: None,
            entries: vec![],
            ignored: vec![],
            pruned: vec![],
            links: vec![],
            rejected: vec![],
        }
    }

    /// The partner of the proposal: the owner, or else the lowest partner of a link.
    pub fn partner(&self) -> Option<PartnerId> {
        self.owner
            .or_else(|| self.links.iter().map(|link| link.partner_id).min())
    }

    /// The links that count: those of the proposal's partner.
    pub fn valid_links(&self) -> impl Iterator<Item = &Link> {
        let partner = self.partner();
        self.links
            .iter()
            .filter(move |link| Some(link.partner_id) == partner)
    }

    /// Applied notices, voided or not.
    pub fn applied(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_applied())
    }

    /// Applied notices that count: those that no person has voided.
    pub fn counted(&self) -> impl Iterator<Item = &Entry> {
        self.applied().filter(|entry| !entry.voided)
    }

    /// Held notices.
    pub fn held(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_held())
    }

    /// The facts that the counted notices state.
    pub fn facts(&self) -> Facts {
        Facts::of(self.counted().map(|entry| entry.notice.as_ref()))
    }

    /// The earliest end of a wait, UTC.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.held()
            .filter_map(|entry| entry.hold)
            .map(|hold| hold.until)
            .min()
    }

    /// Forgets that this proposal replaces another. Notices that the link let through stay applied.
    pub fn unlink(&mut self, reissued_from: &InsureNum) {
        self.links.retain(|link| link.reissued_from != *reissued_from);
    }

    /// Excludes every occurrence of an applied notice from the facts (`voided`), or includes them again.
    ///
    /// Notices that it let through stay applied, and its copies stay duplicates. A proposal whose notices are all voided has no
    /// owner, so another partner can take it; voided notices of the earlier owner can then not be included again.
    ///
    /// Returns false if nothing changed.
    pub fn set_voided(&mut self, digest: &Digest, voided: bool) -> bool {
        let mut changed = false;
        let owner = self.owner;
        let foreign = |entry: &Entry| owner.is_some_and(|owner| owner != entry.notice.partner_id);
        let named = |entry: &&mut Entry| {
            entry.is_applied() && entry.notice.digest == *digest && (voided || !foreign(entry))
        };
        for entry in self.entries.iter_mut().filter(named) {
            if entry.voided != voided {
                entry.voided = voided;
                entry.set_changed();
                changed = true;
            }
        }
        self.find_owner();
        changed
    }

    pub(crate) fn find_owner(&mut self) {
        let counted = self.entries.iter().find(|entry| !entry.voided);
        let pruned = self.pruned.iter().find(|known| !known.voided);
        self.owner = counted
            .map(|entry| entry.notice.partner_id)
            .or(pruned.map(|known| known.partner_id));
    }

    /// Adds a new entry, held for the moment, and returns its index.
    pub(crate) fn insert(&mut self, arrival: Arrival, hold: Option<Hold>) -> usize {
        self.owner = self.owner.or(Some(arrival.notice.partner_id));
        let mut deliveries = Deliveries::one(arrival.received_at);
        let mut occurrence = self.next_occurrence(&arrival.notice);
        if let Some(known) = self.take_ignored(&arrival.notice) {
            deliveries = known.deliveries;
            deliveries.add(arrival.received_at, arrival.redelivered);
            occurrence = known.occurrence;
        }
        self.entries.push(Entry {
            notice: arrival.notice,
            raw: arrival.raw,
            occurrence,
            state: State::Held,
            hold,
            out_of_order: false,
            voided: false,
            deliveries,
            write_state: WriteState::New,
        });
        self.entries.len() - 1
    }

    /// Counts a copy of the first of these entries, and extends the deliveries of the others to it.
    ///
    /// A copy that arrives out of order can lie within the window of several occurrences. They were one occurrence all along, which
    /// shows once their deliveries overlap.
    pub(crate) fn count_copy(&mut self, copies: &[usize], at: DateTime<Utc>, redelivered: bool) {
        for (nth, index) in copies.iter().enumerate() {
            let entry = &mut self.entries[*index];
            if nth == 0 {
                entry.deliveries.add(at, redelivered);
            } else {
                entry.deliveries.extend_to(at);
            }
            entry.set_changed();
        }
    }

    pub(crate) fn apply(&mut self, index: usize, now: DateTime<Utc>, out_of_order: bool) {
        let seq = self.applied().count() as i64 + 1;
        let entry = &mut self.entries[index];
        entry.state = State::Applied { seq, at: now };
        entry.out_of_order = out_of_order;
        entry.set_changed();
    }

    fn next_occurrence(&self, notice: &Notice) -> i32 {
        let same = self
            .entries
            .iter()
            .filter(|entry| entry.notice.digest == notice.digest);
        same.map(|entry| entry.occurrence).max().unwrap_or(0) + 1
    }

    fn take_ignored(&mut self, notice: &Notice) -> Option<Ignored> {
        let index = self
            .ignored
            .iter()
            .position(|known| known.digest == notice.digest)?;
        Some(self.ignored.remove(index))
    }
}

#[cfg(test)]
mod tests;
