//! The fast path: decides about a delivery without parsing any stored body.
//!
//! The columns of the stored notices are enough to see that a delivery has to wait, or is a copy, and so changes nothing but the
//! inbox. Any other delivery needs the ledger.

use chrono::{DateTime, Utc};

use super::{DeliveryOutcome, hold_from, repeats};
use crate::id::{Digest, PartnerId, Step, StepSet};
use crate::ledger::{Arrival, Deliveries, Entry, Hold, State, WriteState};
use crate::rules::Rules;

/// A stored notice that counts, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotice<'r> {
    /// The step that it reports.
    pub step: Step,
    /// Identity of the notice, as stored.
    pub digest: &'r str,
    /// `partnerId`.
    pub partner_id: PartnerId,
    /// Applied or held.
    pub state: StoredState,
    /// Its deliveries.
    pub deliveries: Deliveries,
    /// Its deliveries have to be written.
    pub deliveries_changed: bool,
}

/// The state of a stored notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredState {
    /// Applied; its success is in the body, and so unknown here.
    Applied,
    /// Held, with its wait.
    Held(Hold),
}

/// The inbox of one proposal: all its notices. The proposal has no links, and none of the notices is voided, ignored or pruned.
#[derive(Debug, Clone)]
pub struct InboxView<'r> {
    rules: &'r Rules,
    now: DateTime<Utc>,
    /// Steps with at least one applied notice, failed or not.
    applied: StepSet,
    /// The stored notices.
    pub known: Vec<StoredNotice<'r>>,
    /// The delivered notices that have to wait.
    pub new: Vec<Entry>,
}

impl<'r> InboxView<'r> {
    /// `None` if a hold may have to end now, which only the ledger can tell.
    pub fn of(known: Vec<StoredNotice<'r>>, now: DateTime<Utc>, rules: &'r Rules) -> Option<Self> {
        let applied = known.iter().filter(|stored| stored.state == StoredState::Applied);
        let view = Self {
            rules,
            now,
            applied: applied.map(|stored| stored.step).collect(),
            known,
            new: vec![],
        };
        let stays = |stored: &StoredNotice<'_>| match stored.state {
            StoredState::Applied => true,
            StoredState::Held(hold) => now < hold.until && view.has_to_wait(stored.step),
        };
        view.known.iter().all(stays).then_some(view)
    }

    /// The outcome of [`Ledger::deliver`](crate::ledger::Ledger::deliver), if it would change the inbox only. `None` if that is not
    /// certain; the view must then no longer be used.
    pub fn deliver(&mut self, arrival: &Arrival) -> Option<DeliveryOutcome> {
        let notice = &arrival.notice;
        if self.partner().is_some_and(|partner| partner != notice.partner_id) {
            return None;
        }
        if let Some(deliveries) = self.deliveries_of(&notice.digest) {
            // A notice that can repeat may be a new occurrence. An earlier receipt can change which of two issue notices wins.
            if repeats(notice.step) || arrival.received_at < deliveries.first {
                return None;
            }
            deliveries.add(arrival.received_at, arrival.redelivered);
            return Some(DeliveryOutcome::Duplicate);
        }
        let hold = hold_from(self.now, self.rules, notice.step);
        if !self.has_to_wait(notice.step) || hold.until <= self.now {
            return None;
        }
        self.new.push(Entry {
            notice: notice.clone(),
            raw: arrival.raw.clone(),
            occurrence: 1,
            state: State::Held,
            hold: Some(hold),
            out_of_order: false,
            voided: false,
            deliveries: Deliveries::one(arrival.received_at),
            write_state: WriteState::New,
        });
        Some(DeliveryOutcome::Held(hold))
    }

    /// The earliest end of a wait, UTC.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let known = self.known.iter().filter_map(|stored| match stored.state {
            StoredState::Applied => None,
            StoredState::Held(hold) => Some(hold),
        });
        let new = self.new.iter().filter_map(|entry| entry.hold);
        known.chain(new).map(|hold| hold.until).min()
    }

    /// A predecessor of the step has no applied notice at all.
    fn has_to_wait(&self, step: Step) -> bool {
        let mut earlier = self.rules.waits_for(step).iter();
        earlier.any(|earlier| !self.applied.contains(earlier))
    }

    fn partner(&self) -> Option<PartnerId> {
        let new = self.new.first().map(|entry| entry.notice.partner_id);
        self.known.first().map(|stored| stored.partner_id).or(new)
    }

    fn deliveries_of(&mut self, digest: &Digest) -> Option<&mut Deliveries> {
        if let Some(known) = self
            .known
            .iter_mut()
            .find(|known| known.digest == digest.as_str())
        {
            known.deliveries_changed = true;
            return Some(&mut known.deliveries);
        }
        let new = self.new.iter_mut().find(|new| new.notice.digest == *digest);
        new.map(|new| &mut new.deliveries)
    }
}
