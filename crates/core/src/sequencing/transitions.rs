//! The transitions of a ledger: the state machine that a worker runs.

use chrono::{DateTime, Utc};

use super::{Decision, DeliveryOutcome, HoldEnd, decide, next_hold_end};
use crate::id::Digest;
use crate::ledger::{Arrival, Entry, Hold, Ledger, Link, State};
use crate::rules::Rules;

impl Ledger {
    /// Takes in one delivery, and settles the ledger.
    pub fn deliver(&mut self, arrival: Arrival, now: DateTime<Utc>, rules: &Rules) -> DeliveryOutcome {
        match decide(self, &arrival, now, rules) {
            Decision::Duplicate(copies) => {
                self.count_copy(&copies, arrival.received_at, arrival.redelivered);
                DeliveryOutcome::Duplicate
            }
            Decision::DuplicateOfPruned(copies) => {
                self.count_copy_of_pruned(&copies, arrival.received_at, arrival.redelivered);
                DeliveryOutcome::Duplicate
            }
            Decision::Reject(rejection) => DeliveryOutcome::Rejected(rejection),
            Decision::Apply => {
                let index = self.insert(arrival, None);
                self.apply(index, now, false);
                self.settle(now, rules);
                DeliveryOutcome::Applied
            }
            Decision::Hold(hold) => {
                let index = self.insert(arrival, Some(hold));
                let (digest, occurrence) = self.entries[index].key();
                self.settle(now, rules);
                self.outcome_of_hold(hold, &digest, occurrence)
            }
        }
    }

    /// The outcome of a delivery that was held and then settled. With a wait of zero it is already applied, or already rejected; a
    /// rejected one is then an ordinary rejected delivery and leaves no trace in the ledger.
    fn outcome_of_hold(&mut self, hold: Hold, digest: &Digest, occurrence: i32) -> DeliveryOutcome {
        let same = |entry: &Entry| entry.notice.digest == *digest && entry.occurrence == occurrence;
        if let Some(entry) = self.entries.iter().find(|entry| same(entry)) {
            return match entry.state {
                State::Applied { .. } => DeliveryOutcome::Applied,
                State::Held => DeliveryOutcome::Held(hold),
            };
        }
        match self.rejected.iter().rposition(|(entry, _)| same(entry)) {
            Some(index) => DeliveryOutcome::Rejected(self.rejected.remove(index).1),
            None => DeliveryOutcome::Held(hold),
        }
    }

    /// Records that this proposal replaces another, and settles the ledger: the link stands in for the insured and paid steps.
    pub fn link(&mut self, link: Link, now: DateTime<Utc>, rules: &Rules) {
        if !self.links.contains(&link) {
            self.links.push(link);
        }
        self.settle(now, rules);
    }

    /// Ends every hold that need not go on: first those whose predecessors have come, then, one at a time in step order, those that
    /// are due. Each change can end further holds, so the ledger is examined again after each.
    pub fn settle(&mut self, now: DateTime<Utc>, rules: &Rules) {
        while let Some((index, end)) = next_hold_end(self, now, rules) {
            match end {
                HoldEnd::InOrder => self.apply(index, now, false),
                HoldEnd::TimedOut => self.apply(index, now, true),
                HoldEnd::Rejected(rejection) => {
                    let entry = self.entries.remove(index);
                    self.find_owner();
                    self.rejected.push((entry, rejection));
                }
            }
        }
    }

    /// Applies a held notice because a person says so, and settles the ledger. Returns false if no notice of that digest is held.
    pub fn release(&mut self, digest: &Digest, now: DateTime<Utc>, rules: &Rules) -> bool {
        let held = |entry: &Entry| entry.is_held() && entry.notice.digest == *digest;
        let Some(index) = self.entries.iter().position(held) else {
            return false;
        };
        self.apply(index, now, true);
        self.settle(now, rules);
        true
    }
}
