//! What to do with a notice, given what is known of its proposal: apply, hold, duplicate or reject.
//! Pure decisions; [`crate::ledger`] carries them out. (`ignored` is decided before: an unsubscribed notice has no
//! business with a ledger.)

mod sketch;

use chrono::{DateTime, Utc};

pub use sketch::{Outline, Sketch, Standing};

use crate::id::{Digest, Step, StepSet};
use crate::ledger::{Arrival, Entry, Hold, Ledger, Receipts};
use crate::reason::{Reason, Rejection};
use crate::rules::{OnTimeout, Rules};

/// What is to be done with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Apply,
    Hold(Hold),
    /// It is the first of these entries, once more, and connects it with the others.
    Duplicate(Vec<usize>),
    /// The same of notices whose bodies are gone.
    DuplicateOfPruned(Vec<usize>),
    Reject(Rejection),
}

/// What was done with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Applied,
    Held(Hold),
    Duplicate,
    Rejected(Rejection),
}

/// How a held notice goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Going {
    /// What it waited for has come.
    InOrder,
    /// It did not come in time; the notice is applied without.
    TimedOut,
    /// It did not come in time; the notice becomes a dead letter.
    Rejected(Rejection),
}

/// Decides about a delivery.
pub fn decide(ledger: &Ledger, arrival: &Arrival, now: DateTime<Utc>, rules: &Rules) -> Decision {
    let entries = ledger
        .entries
        .iter()
        .map(|entry| (&entry.notice.digest, &entry.receipts));
    let copies = known_as(entries, arrival, rules);
    if !copies.is_empty() {
        return Decision::Duplicate(copies);
    }
    let pruned = ledger.pruned.iter().map(|known| (&known.digest, &known.receipts));
    let copies = known_as(pruned, arrival, rules);
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
        let detail = "the bodies of the proposal's notices were pruned, so its rows can't be computed anew";
        return Decision::Reject(Rejection::new(Reason::Pruned, detail));
    }
    let step = arrival.notice.step;
    if missing_for(ledger, arrival, rules) == StepSet::default() {
        return Decision::Apply;
    }
    Decision::Hold(hold_from(now, rules, step))
}

/// The wait that begins now; one beyond the calendar has no end that matters.
fn hold_from(now: DateTime<Utc>, rules: &Rules, step: Step) -> Hold {
    let far = DateTime::<Utc>::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let until = now.checked_add_signed(rules.max_wait(step)).unwrap_or(far);
    Hold {
        at: now,
        until: until.min(far),
    }
}

/// The held notice that goes next, if one may.
pub fn next_to_go(ledger: &Ledger, now: DateTime<Utc>, rules: &Rules) -> Option<(usize, Going)> {
    let progress = Progress::of(ledger);
    let first = |goes: &dyn Fn(&Entry) -> bool| {
        let held = ledger
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_held() && goes(entry));
        held.min_by_key(|(_, entry)| order(entry, rules))
            .map(|(index, entry)| (index, entry.notice.step))
    };
    let satisfied = |entry: &Entry| progress.missing(entry.notice.step, rules) == StepSet::default();
    if let Some((index, _)) = first(&satisfied) {
        return Some((index, Going::InOrder));
    }
    let due = |entry: &Entry| entry.hold.is_none_or(|hold| hold.until <= now);
    first(&due).map(|(index, step)| {
        let going = match rules.on_timeout(step) {
            OnTimeout::Apply => Going::TimedOut,
            OnTimeout::DeadLetter => Going::Rejected(timed_out(step, progress.missing(step, rules))),
        };
        (index, going)
    })
}

fn timed_out(step: Step, missing: StepSet) -> Rejection {
    let missing: Vec<_> = missing.iter().map(Step::name).collect();
    Rejection::new(
        Reason::TimedOut,
        format!("{step} waited in vain for {}", missing.join(", ")),
    )
}

/// Step order, then order of receipt.
fn order<'e>(entry: &'e Entry, rules: &Rules) -> (u8, DateTime<Utc>, &'e str, i32) {
    (
        rules.rank(entry.notice.step),
        entry.receipts.first,
        entry.notice.digest.as_str(),
        entry.occurrence,
    )
}

/// The steps whose success a held (or arriving) notice of that step still waits for.
pub fn missing(ledger: &Ledger, step: Step, rules: &Rules) -> StepSet {
    Progress::of(ledger).missing(step, rules)
}

/// The steps without which notices were applied that waited for them in vain, and which have not come yet.
pub fn missed(ledger: &Ledger, rules: &Rules) -> StepSet {
    let mut hurried = ledger.counted().filter(|entry| entry.out_of_order).peekable();
    if hurried.peek().is_none() {
        return StepSet::default();
    }
    let progress = Progress::of(ledger);
    hurried
        .flat_map(|entry| progress.missing(entry.notice.step, rules).iter())
        .collect()
}

fn missing_for(ledger: &Ledger, arrival: &Arrival, rules: &Rules) -> StepSet {
    let mut progress = Progress::of(ledger);
    if ledger.owner.is_none() {
        // The arrival is what settles whose proposal it is, and so which links count.
        let own = |link: &&crate::ledger::Link| link.partner_id == arrival.notice.partner_id;
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

    /// Whether `earlier` has come as far as `step` needs it.
    fn has(&self, earlier: Step, step: Step) -> bool {
        let stood_in_for = self.linked && matches!(earlier, Step::Insured | Step::Paid);
        let failure_will_do = earlier == Step::Issued
            && matches!(step, Step::Cancelled | Step::Reissued)
            && self.failed.contains(Step::Issued);
        self.succeeded.contains(earlier) || stood_in_for || failure_will_do
    }
}

/// Whether the same can truly be reported twice.
fn repeats(step: Step) -> bool {
    matches!(step, Step::Endorsement | Step::Abnormality)
}

/// Those of the known notices that the arrival is another copy of: same proposal, type and data. Endorsements and
/// abnormalities can truly repeat: of them a copy is the same only within `repeat_window` of the others.
fn known_as<'k>(
    known: impl Iterator<Item = (&'k Digest, &'k Receipts)>,
    arrival: &Arrival,
    rules: &Rules,
) -> Vec<usize> {
    let repeats = repeats(arrival.notice.step);
    let window = rules.repeat_window();
    let near = |receipts: &Receipts| {
        !repeats
            || (arrival.received_at - receipts.last <= window
                && receipts.first - arrival.received_at <= window)
    };
    let copies = known
        .enumerate()
        .filter(|(_, (digest, receipts))| **digest == arrival.notice.digest && near(receipts));
    copies.map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests;
