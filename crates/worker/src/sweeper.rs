//! Lets go what has waited long enough, and delivers what lies in the outbox. Any number of workers sweep at once:
//! what one is busy with, another passes over.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;

use crate::store::links::{self as outbox, PendingLink};
use crate::store::{StoreError, holds};
use crate::transaction::{Outcome, settle_free};
use crate::{Worker, links};

/// Proposals of one transaction, and links read at once.
const AT_ONCE: i64 = 200;

/// How long a proposal that cannot be settled is left alone.
pub(crate) const POSTPONED: TimeDelta = TimeDelta::minutes(1);

/// Links of which a sweeper knows that it has seen them, at most. Of an outbox that is fuller it tells all.
const SEEN_AT_MOST: usize = 10_000;

/// Sweeps until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut seen = BTreeSet::new();
    let mut ticks = tokio::time::interval(worker.settings.sweep_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(swept) = shutdown.run_until_cancelled(sweep(&worker, &mut seen)).await else {
            break;
        };
        worker.store.close_unused();
        worker.record.close_unused();
        let failed = match swept {
            Err(StoreError::Conflict(_)) | Ok(()) => None,
            Err(error) => Some(error),
        };
        let was_sweeping = worker.sweeping.swap(failed.is_none(), Ordering::Relaxed);
        if let Some(error) = failed {
            if was_sweeping {
                tracing::warn!(error = %error, "the sweeper waits");
            }
            shutdown
                .run_until_cancelled(tokio::time::sleep(Duration::from_secs(1)))
                .await;
        }
    }
}

/// One sweep: everything that is due now, and what has lain in the outbox since the last one.
async fn sweep(worker: &Worker, seen: &mut BTreeSet<PendingLink>) -> Result<(), StoreError> {
    settle_due(worker).await?;
    tell_left(worker, seen).await
}

async fn settle_due(worker: &Worker) -> Result<(), StoreError> {
    let now = clock::now();
    let mut after = None;
    loop {
        let due = worker
            .store
            .ask(async |conn| holds::due(conn, now, after.as_ref(), AT_ONCE).await)
            .await?;
        let Some(last) = due.last() else { return Ok(()) };
        after = Some(last.clone());
        let mut proposals: Vec<InsureNum> = due.into_iter().map(|hold| hold.insure_num).collect();
        proposals.sort();
        let outcome = settle(worker, &proposals).await?;
        links::deliver(worker, outcome.links).await;
    }
}

/// What lies in the outbox for the first time is on its way to a lane, which is not to wait for the sweeper's lock.
async fn tell_left(worker: &Worker, seen: &mut BTreeSet<PendingLink>) -> Result<(), StoreError> {
    let before = std::mem::take(seen);
    let mut after = None;
    loop {
        let posted = worker
            .store
            .ask(async |conn| outbox::posted(conn, after.as_ref(), AT_ONCE).await)
            .await?;
        let Some(last) = posted.last() else { return Ok(()) };
        after = Some(last.clone());
        let room = SEEN_AT_MOST - seen.len();
        seen.extend(posted.iter().take(room).cloned());
        let is_left = |link: &PendingLink| before.len() >= SEEN_AT_MOST || before.contains(link);
        let left = posted.into_iter().filter(is_left).collect();
        links::deliver(worker, left).await;
    }
}

/// Settles all of them, or, where one cannot be, each by itself.
async fn settle(worker: &Worker, due: &[InsureNum]) -> Result<Outcome, StoreError> {
    match attempt(worker, due).await {
        Err(error) if error.may_be_permanent() => {}
        result => return result,
    }
    let mut all = Outcome::default();
    for num in due {
        match attempt(worker, std::slice::from_ref(num)).await {
            Ok(outcome) => all.add(outcome),
            Err(error) if error.may_be_permanent() => {
                tracing::error!(error = %error, "a proposal cannot be settled; its held notices wait on");
                let later = clock::now() + POSTPONED;
                worker
                    .store
                    .with(async |conn| holds::set(conn, &[(num, later)]).await)
                    .await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

async fn attempt(worker: &Worker, due: &[InsureNum]) -> Result<Outcome, StoreError> {
    let settling = worker
        .store
        .with(async |conn| settle_free(conn, due, clock::now, &worker.rules).await);
    let result = AssertUnwindSafe(settling).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while settling".to_owned())));
    // Here, for it is committed whatever becomes of the others.
    result.inspect(|outcome| worker.metrics.count_outcome(outcome))
}
