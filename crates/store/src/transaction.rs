//! THE transaction: lock the proposals in a fixed order, load their ledgers, decide, write what has changed, commit.
//!
//! Everything that applies, holds, releases or voids a notice goes through here (a batch of deliveries, a sweep of due waits,
//! a reissue link, a release by hand), so the rules that keep workers apart are in one place.

mod fast_path;
mod plan;
mod rehearsal;
mod stored;
#[cfg(test)]
mod tests;
mod writes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use thiserror::Error;
use xiebao_core::id::{Digest, InsureNum, StepSet};
use xiebao_core::ledger::{Arrival, Entry, Ledger};
use xiebao_core::rows::Rows;
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::{self, DeliveryOutcome};

use fast_path::InboxOnly;
pub use plan::{Outcome, Plan, Release, Task, VoidChange};
pub use rehearsal::rehearse;
pub use stored::load;
use writes::Writes;

use crate::sql::links::PendingLink;
use crate::sql::notices;
use crate::sql::{links, locks};
use crate::{Cause, Connection, StoreError};

/// Reads the time. It is called once the locks are held, so that times and `seq` have the same order.
pub type Clock = fn() -> DateTime<Utc>;

/// Time for which the sweeper leaves alone a proposal that cannot be settled.
pub const POSTPONED: TimeDelta = TimeDelta::minutes(1);

/// Runs the plan. After an error nothing was written, unless the answer to the commit was lost.
pub async fn run(
    conn: &mut Connection,
    plan: &Plan,
    clock: Clock,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    let decided = AtomicBool::new(false);
    let result = conn
        .transaction(async |conn| {
            let proposals: Vec<&InsureNum> = plan.tasks.keys().collect();
            locks::acquire(conn, &proposals).await?;
            let outcome = carry_out(conn, plan, clock(), rules).await?;
            decided.store(true, Ordering::Relaxed);
            Ok(outcome)
        })
        .await;
    result.map_err(|error| of_commit(error, &decided))
}

/// Settles the due waits of the proposals that no other worker has locked.
pub async fn settle_unlocked(
    conn: &mut Connection,
    due: &[InsureNum],
    clock: Clock,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    let decided = AtomicBool::new(false);
    let result = conn
        .transaction(async |conn| {
            let free = locks::acquire_free(conn, due).await?;
            let swept = || Task {
                swept: true,
                ..Task::default()
            };
            let tasks = free.into_iter().map(|num| (num, swept())).collect();
            let plan = Plan {
                tasks,
                ..Plan::default()
            };
            let outcome = carry_out(conn, &plan, clock(), rules).await?;
            decided.store(true, Ordering::Relaxed);
            Ok(outcome)
        })
        .await;
    result.map_err(|error| of_commit(error, &decided))
}

/// A refusal of the commit is never the fault of the content: the server has accepted every statement before.
fn of_commit(error: StoreError, decided: &AtomicBool) -> StoreError {
    match error {
        StoreError::Refused(cause) if decided.load(Ordering::Relaxed) => {
            StoreError::Unavailable(Box::new(AtCommit(cause)))
        }
        error => error,
    }
}

/// The server refused the commit itself.
#[derive(Debug, Error)]
#[error("at the commit: {0}")]
struct AtCommit(#[source] Cause);

async fn carry_out(
    conn: &mut Connection,
    plan: &Plan,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let mut writes = Writes::default();
    let mut stored = stored::find(conn, plan.tasks.keys()).await?;
    let mut current = current_links(conn, plan).await?;
    for (num, task) in &plan.tasks {
        let Some(stored) = stored.remove(num) else {
            continue;
        };
        if let Some(mut inbox) = InboxOnly::plan(&stored, task, now, rules) {
            outcome.verdicts.append(&mut inbox.verdicts);
            writes.note_inbox_only(num, stored, inbox);
            continue;
        }
        let ledger = stored.into_ledger(num)?;
        if task.links.is_empty() && task.unlinks.is_empty() {
            decide(ledger, task, now, rules, &mut writes, &mut outcome);
        } else {
            let task = with_links(task, current.remove(num).unwrap_or_default());
            decide(ledger, &task, now, rules, &mut writes, &mut outcome);
        }
    }
    for (row, rejection) in &plan.refused {
        outcome.dead += usize::from(writes.refuse_row(conn, row, rejection, now).await?);
    }
    writes.write(conn).await?;
    outcome.links = writes.posts;
    notices::keep_ignored(conn, &plan.ignored).await?;
    Ok(outcome)
}

/// Takes from the outbox the links of the plan that are still there. Another worker may have delivered them meanwhile,
/// and the notice that states one may have been voided or restored; the outbox is up to date.
async fn current_links(
    conn: &mut Connection,
    plan: &Plan,
) -> Result<BTreeMap<InsureNum, Vec<PendingLink>>, StoreError> {
    let links: Vec<PendingLink> = plan
        .tasks
        .iter()
        .flat_map(|(num, task)| task.pending_links(num))
        .collect();
    let mut current = BTreeMap::<_, Vec<_>>::new();
    if !links.is_empty() {
        for link in links::take(conn, links).await? {
            current.entry(link.new_insure_num.clone()).or_default().push(link);
        }
    }
    Ok(current)
}

/// The task with these links only.
fn with_links(task: &Task, current: Vec<PendingLink>) -> Task {
    let (withdrawn, stated): (Vec<PendingLink>, Vec<_>) =
        current.into_iter().partition(|pending| pending.withdrawn);
    let links = |pending: Vec<PendingLink>| pending.into_iter().map(|pending| pending.link).collect();
    Task {
        links: links(stated),
        unlinks: links(withdrawn),
        ..task.clone()
    }
}

/// Runs the task of one proposal on its ledger and collects the writes.
fn decide(
    mut ledger: Ledger,
    task: &Task,
    now: DateTime<Utc>,
    rules: &Rules,
    writes: &mut Writes,
    outcome: &mut Outcome,
) {
    let before = Rows::of(&ledger);
    let was_due = ledger.due_at();
    let missed = sequencing::missed(&ledger, rules);
    let held_before: Vec<(Digest, i32)> = ledger.held().map(Entry::key).collect();
    for link in &task.links {
        ledger.link(link.clone(), now, rules);
    }
    for link in &task.unlinks {
        ledger.unlink(&link.reissued_from);
    }
    for change in &task.void_changes {
        if ledger.set_voided(&change.digest, change.voided) {
            writes.operation(&change.operation, &ledger, &change.digest);
            outcome.void_changed += 1;
        }
    }
    for release in &task.releases {
        if ledger.release(&release.digest, now, rules) {
            writes.operation(&release.operation, &ledger, &release.digest);
        }
    }
    for arrival in &task.ignored {
        take_in_ignored(&mut ledger, arrival, now, rules, writes, outcome);
    }
    for (id, arrival) in &task.arrivals {
        let verdict = ledger.deliver(arrival.clone(), now, rules);
        outcome.verdicts.push((*id, verdict));
    }
    ledger.settle(now, rules);
    count_releases(&ledger, &held_before, task, outcome);
    if missed != StepSet::default() {
        let still_missed = sequencing::missed(&ledger, rules);
        outcome.late.push(
            missed
                .iter()
                .filter(|step| !still_missed.contains(*step))
                .collect(),
        );
    }
    writes.note(&ledger, task, &before, was_due, now);
}

/// Takes in a notice whose type was not subscribed when it arrived, unless another worker has done so meanwhile.
fn take_in_ignored(
    ledger: &mut Ledger,
    arrival: &Arrival,
    now: DateTime<Utc>,
    rules: &Rules,
    writes: &mut Writes,
    outcome: &mut Outcome,
) {
    let digest = &arrival.notice.digest;
    if !ledger.ignored.iter().any(|known| known.digest == *digest) {
        return;
    }
    let verdict = ledger.deliver(arrival.clone(), now, rules);
    if let DeliveryOutcome::Rejected(rejection) = &verdict {
        writes.refuse(arrival, rejection, now);
        outcome.dead += 1;
    }
    outcome.verdicts.push((outcome.verdicts.len(), verdict));
}

/// A digest alone does not identify a held notice: if an endorsement was repeated, its first occurrence may have been
/// released long ago.
fn count_releases(ledger: &Ledger, held_before: &[(Digest, i32)], task: &Task, outcome: &mut Outcome) {
    outcome.dead += ledger.rejected.len();
    let was_held = |entry: &&Entry| {
        let mut held = held_before.iter();
        held.any(|(digest, occurrence)| *digest == entry.notice.digest && *occurrence == entry.occurrence)
    };
    for entry in ledger.applied().filter(was_held) {
        if task
            .releases
            .iter()
            .any(|release| release.digest == entry.notice.digest)
        {
            outcome.let_go += 1;
        } else if entry.out_of_order {
            outcome.timed_out += 1;
        } else {
            outcome.released += 1;
        }
    }
}
