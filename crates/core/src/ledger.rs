//! The ledger of one proposal: its notices, applied and held, and the links that make it a reissued one.
//!
//! This is the state machine that a worker runs: it loads a ledger, lets it [`deliver`](Ledger::deliver),
//! [`link`](Ledger::link), [`settle`](Ledger::settle) or [`release`](Ledger::release), and writes what has changed.
//! What to do with a notice is decided in [`crate::sequencing`]; here it is done.

mod entry;
mod pruned;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use entry::{Entry, Hold, Novelty, Place, Receipts};
pub use pruned::Pruned;

use crate::facts::Notice;
use crate::id::{Digest, InsureNum, NotifyType, PartnerId};
use crate::lifecycle::Facts;
use crate::reason::Rejection;
use crate::rules::Rules;
use crate::sequencing::{self, Decision, Verdict};

/// A notice that was kept without being applied, because its type was not subscribed then.
#[derive(Debug, Clone)]
pub struct Ignored {
    pub notify_type: NotifyType,
    pub digest: Digest,
    pub occurrence: i32,
    pub receipts: Receipts,
}

/// A successful 5 of another proposal that names this one as its successor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub reissued_from: InsureNum,
    pub partner_id: PartnerId,
}

/// A notice on its way into the ledger.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub notice: Arc<Notice>,
    pub raw: Bytes,
    pub received_at: DateTime<Utc>,
    /// The broker has handed the message out before.
    pub redelivered: bool,
}

#[derive(Debug, Clone)]
pub struct Ledger {
    pub insure_num: InsureNum,
    /// The partner of the notices held or applied that count, if there are any. A link alone makes no owner.
    pub owner: Option<PartnerId>,
    pub entries: Vec<Entry>,
    pub ignored: Vec<Ignored>,
    /// Notices whose bodies are gone; while there are any, there are no entries.
    pub pruned: Vec<Pruned>,
    pub links: Vec<Link>,
    /// Held notices that timed out and are to become dead letters.
    pub rejected: Vec<(Entry, Rejection)>,
}

impl Ledger {
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

    /// The partner whose proposal this is: of its own notices, else of the links to it (of several, the lowest).
    pub fn partner(&self) -> Option<PartnerId> {
        self.owner
            .or_else(|| self.links.iter().map(|link| link.partner_id).min())
    }

    /// The links that count: those of the proposal's own partner.
    pub fn valid_links(&self) -> impl Iterator<Item = &Link> {
        let partner = self.partner();
        self.links
            .iter()
            .filter(move |link| Some(link.partner_id) == partner)
    }

    pub fn applied(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_applied())
    }

    /// The applied notices that count: all but those that a person has taken out of the facts.
    pub fn counted(&self) -> impl Iterator<Item = &Entry> {
        self.applied().filter(|entry| !entry.voided)
    }

    pub fn held(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_held())
    }

    /// What has happened, by the notices applied so far.
    pub fn facts(&self) -> Facts {
        Facts::of(self.counted().map(|entry| entry.notice.as_ref()))
    }

    /// The earliest end of a wait.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.held()
            .filter_map(|entry| entry.hold)
            .map(|hold| hold.until)
            .min()
    }

    /// Takes in one delivery, and lets go what it makes possible.
    pub fn deliver(&mut self, arrival: Arrival, now: DateTime<Utc>, rules: &Rules) -> Verdict {
        match sequencing::decide(self, &arrival, now, rules) {
            Decision::Duplicate(copies) => {
                self.count_copy(&copies, arrival.received_at, arrival.redelivered);
                Verdict::Duplicate
            }
            Decision::DuplicateOfPruned(copies) => {
                self.count_copy_of_pruned(&copies, arrival.received_at, arrival.redelivered);
                Verdict::Duplicate
            }
            Decision::Reject(rejection) => Verdict::Rejected(rejection),
            Decision::Apply => {
                let index = self.insert(arrival, Place::Held, None);
                self.apply(index, now, false);
                self.settle(now, rules);
                Verdict::Applied
            }
            Decision::Hold(hold) => {
                let index = self.insert(arrival, Place::Held, Some(hold));
                let (digest, occurrence) = self.entries[index].name();
                self.settle(now, rules);
                self.end_of(hold, &digest, occurrence)
            }
        }
    }

    /// What became of a new entry that was to be held. Without a wait it is not: it has been applied, or is
    /// rejected like any arrival, without ever having been in the ledger.
    fn end_of(&mut self, hold: Hold, digest: &Digest, occurrence: i32) -> Verdict {
        let named = |entry: &Entry| entry.notice.digest == *digest && entry.occurrence == occurrence;
        if let Some(entry) = self.entries.iter().find(|entry| named(entry)) {
            return match entry.place {
                Place::Applied { .. } => Verdict::Applied,
                Place::Held => Verdict::Held(hold),
            };
        }
        match self.rejected.iter().rposition(|(entry, _)| named(entry)) {
            Some(index) => Verdict::Rejected(self.rejected.remove(index).1),
            None => Verdict::Held(hold),
        }
    }

    /// Counts a copy of an entry. One that came out of order may lie within the window of several occurrences: they
    /// were one all along, which shows in that their receipts meet.
    fn count_copy(&mut self, copies: &[usize], at: DateTime<Utc>, redelivered: bool) {
        for (nth, index) in copies.iter().enumerate() {
            let entry = &mut self.entries[*index];
            if nth == 0 {
                entry.receipts.add(at, redelivered);
            } else {
                entry.receipts.reach(at);
            }
            entry.note_change();
        }
    }

    /// Learns that this proposal replaces another, and lets go what waited for its insured and paid steps.
    pub fn link(&mut self, link: Link, now: DateTime<Utc>, rules: &Rules) {
        if !self.links.contains(&link) {
            self.links.push(link);
        }
        self.settle(now, rules);
    }

    /// Lets go all that need not wait any longer: first whatever has what it waited for, then, one at a time and
    /// in step order, what is due. Each is decided again after the one before.
    pub fn settle(&mut self, now: DateTime<Utc>, rules: &Rules) {
        while let Some((index, step)) = sequencing::next_to_go(self, now, rules) {
            match step {
                sequencing::Going::InOrder => self.apply(index, now, false),
                sequencing::Going::TimedOut => self.apply(index, now, true),
                sequencing::Going::Rejected(rejection) => {
                    let entry = self.entries.remove(index);
                    self.find_owner();
                    self.rejected.push((entry, rejection));
                }
            }
        }
    }

    /// Applies a held notice at once because a person said so. `false`: nothing of that digest is held.
    pub fn release(&mut self, digest: &Digest, now: DateTime<Utc>, rules: &Rules) -> bool {
        let held = |entry: &Entry| entry.is_held() && entry.notice.digest == *digest;
        let Some(index) = self.entries.iter().position(held) else {
            return false;
        };
        self.apply(index, now, true);
        self.settle(now, rules);
        true
    }

    /// Forgets that this proposal replaces another. What was applied by that stays applied.
    pub fn unlink(&mut self, reissued_from: &InsureNum) {
        self.links.retain(|link| link.reissued_from != *reissued_from);
    }

    /// Takes an applied notice out of the facts, every occurrence of it, or (`voided` false) back into them. What was
    /// applied by it stays applied, and a copy is still a duplicate. A proposal whose notices are all voided is free for
    /// another partner, and what was another's then stays voided. `false`: there was nothing to change.
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
                entry.note_change();
                changed = true;
            }
        }
        self.find_owner();
        changed
    }

    fn find_owner(&mut self) {
        let counted = self.entries.iter().find(|entry| !entry.voided);
        let pruned = self.pruned.iter().find(|known| !known.voided);
        self.owner = counted
            .map(|entry| entry.notice.partner_id)
            .or(pruned.map(|known| known.partner_id));
    }

    fn insert(&mut self, arrival: Arrival, place: Place, hold: Option<Hold>) -> usize {
        self.owner = self.owner.or(Some(arrival.notice.partner_id));
        let mut receipts = Receipts::one(arrival.received_at);
        let mut occurrence = self.next_occurrence(&arrival.notice);
        if let Some(known) = self.take_ignored(&arrival.notice) {
            receipts = known.receipts;
            receipts.add(arrival.received_at, arrival.redelivered);
            occurrence = known.occurrence;
        }
        self.entries.push(Entry {
            notice: arrival.notice,
            raw: arrival.raw,
            occurrence,
            place,
            hold,
            out_of_order: false,
            voided: false,
            receipts,
            novelty: Novelty::New,
        });
        self.entries.len() - 1
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

    fn apply(&mut self, index: usize, now: DateTime<Utc>, out_of_order: bool) {
        let seq = self.applied().count() as i64 + 1;
        let entry = &mut self.entries[index];
        entry.place = Place::Applied { seq, at: now };
        entry.out_of_order = out_of_order;
        entry.note_change();
    }
}

#[cfg(test)]
mod tests;
