//! Releases overdue held notices, and delivers reissue links that stay in the outbox. Any number of workers sweep at once:
//! each skips the proposals that another has locked.

mod settling;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;

use crate::links;
use crate::worker::Worker;
use xiebao_store::StoreError;
use xiebao_store::sql::holds;
use xiebao_store::sql::links::{self as outbox, PendingLink};

use settling::{Stride, settle};

/// Due proposals, and links, read at once.
const PAGE_SIZE: i64 = 200;

/// Links that a sweeper remembers at most. It delivers further links in the outbox at once.
const MAX_SEEN: usize = 10_000;

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
        worker.refused_store.close_unused();
        let failed = match swept {
            Err(StoreError::Conflict(_)) | Ok(()) => None,
            Err(error) => Some(error),
        };
        let was_sweeping = worker.sweeping.swap(failed.is_none(), Ordering::Relaxed);
        if let Some(error) = failed {
            if was_sweeping {
                tracing::warn!(error = %error, "a sweep failed; sweeping again");
            }
            shutdown
                .run_until_cancelled(tokio::time::sleep(Duration::from_secs(1)))
                .await;
        }
    }
}

/// One sweep: every hold that is due now, and every link that has been in the outbox since the last sweep.
async fn sweep(worker: &Worker, seen: &mut BTreeSet<PendingLink>) -> Result<(), StoreError> {
    settle_due(worker).await?;
    deliver_left_over(worker, seen).await
}

async fn settle_due(worker: &Worker) -> Result<(), StoreError> {
    let now = clock::now();
    let (mut after, mut stride) = (None, Stride::default());
    loop {
        let due = worker
            .store
            .ask(async |conn| holds::due(conn, now, after.as_ref(), PAGE_SIZE).await)
            .await?;
        let Some(last) = due.last() else { return Ok(()) };
        after = Some(last.clone());
        let mut proposals: Vec<InsureNum> = due.into_iter().map(|hold| hold.insure_num).collect();
        proposals.sort();
        let outcome = settle(worker, &proposals, &mut stride).await?;
        links::deliver(worker, outcome.links).await;
    }
}

/// Delivers the links that were in the outbox at the last sweep. A new link is on its way to a lane, which must not wait
/// for the sweeper's lock.
async fn deliver_left_over(worker: &Worker, seen: &mut BTreeSet<PendingLink>) -> Result<(), StoreError> {
    let (mut new, mut after) = (BTreeSet::new(), None);
    loop {
        let posted = worker
            .store
            .ask(async |conn| outbox::posted(conn, after.as_ref(), PAGE_SIZE).await)
            .await?;
        let Some(last) = posted.last() else { break };
        after = Some(last.clone());
        links::deliver(worker, left_over(posted, seen, &mut new)).await;
    }
    *seen = new;
    Ok(())
}

/// The links that were seen before. The others are added to `new`, up to [`MAX_SEEN`].
fn left_over(
    posted: Vec<PendingLink>,
    seen: &BTreeSet<PendingLink>,
    new: &mut BTreeSet<PendingLink>,
) -> Vec<PendingLink> {
    let mut left_over = Vec::new();
    for link in posted {
        if seen.contains(&link) || new.len() >= MAX_SEEN {
            left_over.push(link);
        } else {
            new.insert(link);
        }
    }
    left_over
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(nth: usize) -> PendingLink {
        links::invented(nth)
    }

    #[test]
    fn a_link_is_delivered_when_it_is_seen_for_the_second_time() {
        let mut new = BTreeSet::new();
        assert_eq!(left_over(vec![link(1), link(2)], &BTreeSet::new(), &mut new), []);
        let seen = std::mem::take(&mut new);
        let withdrawn = PendingLink {
            withdrawn: true,
            ..link(1)
        };
        let posted = vec![withdrawn.clone(), link(2), link(3)];
        assert_eq!(left_over(posted, &seen, &mut new), [link(2)]);
        assert_eq!(new, BTreeSet::from([withdrawn, link(3)]));
    }

    #[test]
    fn links_that_cannot_be_remembered_are_delivered_at_once() {
        let mut new = BTreeSet::new();
        let posted = (0..MAX_SEEN + 3).map(link).collect();
        assert_eq!(left_over(posted, &BTreeSet::new(), &mut new).len(), 3);
        assert_eq!(new.len(), MAX_SEEN);
    }
}
