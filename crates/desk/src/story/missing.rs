//! Notices that have not come yet, and why.

use serde::Serialize;
use xiebao_core::facts::Notice;
use xiebao_core::id::{NotifyType, Step, StepSet};
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_core::rules::Rules;
use xiebao_core::sequencing;
use xiebao_store::sql::dead_letters::DeadLetterStatus;

use super::Sources;

/// A step that notices wait for, or that comes next in the usual course.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The type of its notice.
    pub notify_type: NotifyType,
    /// The step.
    pub step: Step,
    /// Only a failure of it was reported so far.
    pub failed: bool,
    /// Its open dead letters.
    pub dead_letters: Vec<i64>,
    /// It came, but was kept without being applied.
    pub ignored: bool,
    /// The configuration subscribes to its type.
    pub subscribed: bool,
}

/// The steps that have not come.
pub fn of(sources: &Sources<'_>) -> Vec<Missing> {
    let ledger = sources.ledger;
    if ledger.is_pruned() || (ledger.entries.is_empty() && ledger.links.is_empty()) {
        return vec![];
    }
    let facts = ledger.facts();
    let waits = |step| {
        ledger
            .held()
            .any(|entry| entry.notice.step == step && entry.notice.success)
    };
    let steps = expected(ledger, sources.rules);
    let open = steps
        .iter()
        .filter(|step| !facts.succeeded.contains(*step) && !waits(*step));
    open.map(|step| missing(step, sources)).collect()
}

fn expected(ledger: &Ledger, rules: &Rules) -> StepSet {
    let lacking = ledger
        .entries
        .iter()
        .filter(|entry| entry.is_held() || entry.out_of_order);
    let lacking = lacking.flat_map(|entry| sequencing::missing(ledger, entry.notice.step, rules).iter());
    lacking.chain(next(ledger)).collect()
}

/// The next step of the usual course.
fn next(ledger: &Ledger) -> Option<Step> {
    match ledger.facts().status() {
        None if ledger.valid_links().next().is_some() => Some(Step::Issued),
        None => Some(Step::Insured),
        Some(Status::Insured | Status::PayFailed) => Some(Step::Paid),
        Some(Status::Paid) => Some(Step::Issued),
        Some(Status::Issued | Status::PartiallyCancelled) => Some(Step::EPolicy),
        Some(Status::InsureFailed | Status::IssueFailed | Status::Cancelled | Status::Reissued) => None,
    }
}

fn missing(step: Step, sources: &Sources<'_>) -> Missing {
    let ledger = sources.ledger;
    let notify_type = step.notify_type();
    let dead = sources
        .dead
        .iter()
        .filter(|letter| letter.status == DeadLetterStatus::Open);
    let failure = |notice: &Notice| notice.step == step && !notice.success;
    Missing {
        notify_type,
        step,
        failed: ledger.entries.iter().any(|entry| failure(&entry.notice)),
        dead_letters: dead
            .filter(|letter| letter.notify_type == Some(notify_type.0))
            .map(|letter| letter.id)
            .collect(),
        ignored: ledger
            .ignored
            .iter()
            .any(|ignored| ignored.notify_type == notify_type),
        subscribed: sources.rules.is_subscribed(step),
    }
}
