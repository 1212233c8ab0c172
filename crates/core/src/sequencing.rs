//! Decides about a notice, given the ledger of its proposal: apply it, hold it, count it as a duplicate, or reject it.
//!
//! This file decides; `transitions.rs` changes the ledger accordingly, with the methods [`deliver`](Ledger::deliver),
//! [`link`](Ledger::link), [`settle`](Ledger::settle) and [`release`](Ledger::release). Notices of unsubscribed types never get
//! here: they are stored as `ignored` and need no ledger.

mod fast_path;
mod transitions;

use chrono::{DateTime, Utc};

pub use fast_path::{InboxView, StoredNotice, StoredState};

use crate::id::{Digest, Step, StepSet};
use crate::ledger::{Arrival, Deliveries, Entry, Hold, Ledger, Link};
use crate::reason::{Reason, Rejection};
use crate::rules::{OnTimeout, Rules};

/// The decision about a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is missing.
    Apply,
    /// A predecessor is missing.
    Hold(Hold),
    /// A copy of these entries, by index. It counts for the first, and shows that the others are the same occurrence.
    Duplicate(Vec<usize>),
    /// A copy of these pruned notices, by index.
    DuplicateOfPruned(Vec<usize>),
    /// A dead letter.
    Reject(Rejection),
}

/// The outcome of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Its facts count.
    Applied,
    /// It waits for a predecessor.
    Held(Hold),
    /// It was counted as a copy.
    Duplicate,
    /// The caller makes it a dead letter.
    Rejected(Rejection),
}

/// The way in which a hold ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldEnd {
    /// All predecessors have come; the notice is applied.
    InOrder,
    /// A predecessor did not come in time; the notice is applied without it.
    TimedOut,
    /// A predecessor did not come in time; the notice becomes a dead letter.
    Rejected(Rejection),
}

/// Decides about a delivery.
pub fn decide(ledger: &Ledger, arrival: &Arrival, now: DateTime<Utc>, rules: &Rules) -> Decision {
    let entries = ledger
        .entries
        .iter()
        .map(|entry| (&entry.notice.digest, &entry.deliveries));
    let copies = copies_of(entries, arrival, rules);
    if !copies.is_empty() {
        return Decision::Duplicate(copies);
    }
    let pruned = ledger
        .pruned
        .iter()
        .map(|known| (&known.digest, &known.deliveries));
    let copies = copies_of(pruned, arrival, rules);
    if !copies.is_empty() {
        return Decision::DuplicateOfPruned(copies);
    }
    if ledger
        .owner
        .is_some_and(|owner| owner != arrival.notice.partner_id)
    {
        let detail = "the proposal belongs to another partner";
        return Decision::Reject(Rejection::new(Reason::PartnerMismatch, detail));
    }
    if ledger.is_pruned() {
        let detail = "the bodies of the proposal's notices were pruned, so its rows can't be recomputed";
        return Decision::Reject(Rejection::new(Reason::Pruned, detail));
    }
    let step = arrival.notice.step;
    if missing_for(ledger, arrival, rules) == StepSet::default() {
        return Decision::Apply;
    }
    Decision::Hold(hold_from(now, rules, step))
}

/// The wait that begins now. It ends in the year 9999 at the latest, the last that a database stores.
fn hold_from(now: DateTime<Utc>, rules: &Rules, step: Step) -> Hold {
    let far = DateTime::<Utc>::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let until = now.checked_add_signed(rules.max_wait(step)).unwrap_or(far);
    Hold {
        at: now,
        until: until.min(far),
    }
}

/// The next hold that ends: index of the entry, and the way it ends. `None` if all holds go on.
pub fn next_hold_end(ledger: &Ledger, now: DateTime<Utc>, rules: &Rules) -> Option<(usize, HoldEnd)> {
    let progress = Progress::of(ledger);
    let first = |ends: &dyn Fn(&Entry) -> bool| {
        let held = ledger
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_held() && ends(entry));
        held.min_by_key(|(_, entry)| order(entry, rules))
            .map(|(index, entry)| (index, entry.notice.step))
    };
    let satisfied = |entry: &Entry| progress.missing(entry.notice.step, rules) == StepSet::default();
    if let Some((index, _)) = first(&satisfied) {
        return Some((index, HoldEnd::InOrder));
    }
    let due = |entry: &Entry| entry.hold.is_none_or(|hold| hold.until <= now);
    first(&due).map(|(index, step)| {
        let end = match rules.on_timeout(step) {
            OnTimeout::Apply => HoldEnd::TimedOut,
            OnTimeout::DeadLetter => HoldEnd::Rejected(timed_out(step, progress.missing(step, rules))),
        };
        (index, end)
    })
}

fn timed_out(step: Step, missing: StepSet) -> Rejection {
    let missing: Vec<_> = missing.iter().map(Step::name).collect();
    Rejection::new(
        Reason::TimedOut,
        format!("{step} timed out waiting for {}", missing.join(", ")),
    )
}

/// Sort key: step order, then order of receipt.
fn order<'e>(entry: &'e Entry, rules: &Rules) -> (u8, DateTime<Utc>, &'e str, i32) {
    (
        rules.rank(entry.notice.step),
        entry.deliveries.first,
        entry.notice.digest.as_str(),
        entry.occurrence,
    )
}

/// The steps whose success a notice of that step waits for, and that have not succeeded yet.
pub fn missing(ledger: &Ledger, step: Step, rules: &Rules) -> StepSet {
    Progress::of(ledger).missing(step, rules)
}

/// The steps that some notice was applied without, and that have not succeeded yet.
pub fn missed(ledger: &Ledger, rules: &Rules) -> StepSet {
    let mut early = ledger.counted().filter(|entry| entry.out_of_order).peekable();
    if early.peek().is_none() {
        return StepSet::default();
    }
    let progress = Progress::of(ledger);
    early
        .flat_map(|entry| progress.missing(entry.notice.step, rules).iter())
        .collect()
}

fn missing_for(ledger: &Ledger, arrival: &Arrival, rules: &Rules) -> StepSet {
    let mut progress = Progress::of(ledger);
    if ledger.owner.is_none() {
        // The arrival makes its partner the owner, and so decides which links count.
        let own = |link: &&Link| link.partner_id == arrival.notice.partner_id;
        progress.linked = ledger.links.iter().any(|link| own(&link));
    }
    progress.missing(arrival.notice.step, rules)
}

struct Progress {
    succeeded: StepSet,
    failed: StepSet,
    linked: bool,
}

impl Progress {
    fn of(ledger: &Ledger) -> Self {
        let facts = ledger.facts();
        Self {
            succeeded: facts.succeeded,
            failed: facts.failed,
            linked: ledger.valid_links().next().is_some(),
        }
    }

    fn missing(&self, step: Step, rules: &Rules) -> StepSet {
        rules
            .waits_for(step)
            .iter()
            .filter(|earlier| !self.has(*earlier, step))
            .collect()
    }

    /// `step` need not wait for `earlier`.
    fn has(&self, earlier: Step, step: Step) -> bool {
        let stood_in_for = self.linked && matches!(earlier, Step::Insured | Step::Paid);
        let failure_will_do = earlier == Step::Issued
            && matches!(step, Step::Cancelled | Step::Reissued)
            && self.failed.contains(Step::Issued);
        self.succeeded.contains(earlier) || stood_in_for || failure_will_do
    }
}

/// The platform can report the same content twice, as two occurrences.
fn repeats(step: Step) -> bool {
    matches!(step, Step::Endorsement | Step::Abnormality)
}

/// The known notices of which the arrival is a copy, by index: same proposal, type and data. Endorsements and abnormalities can
/// repeat, so their copies must also lie within `repeat_window` of each other.
fn copies_of<'k>(
    known: impl Iterator<Item = (&'k Digest, &'k Deliveries)>,
    arrival: &Arrival,
    rules: &Rules,
) -> Vec<usize> {
    let repeats = repeats(arrival.notice.step);
    let window = rules.repeat_window();
    let near = |deliveries: &Deliveries| {
        !repeats
            || (arrival.received_at - deliveries.last <= window
                && deliveries.first - arrival.received_at <= window)
    };
    let copies = known
        .enumerate()
        .filter(|(_, (digest, deliveries))| **digest == arrival.notice.digest && near(deliveries));
    copies.map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests;
