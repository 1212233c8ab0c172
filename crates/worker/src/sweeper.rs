//! Lets go what has waited long enough, and delivers what lies in the outbox. Any number of workers sweep at once:
//! what one is busy with, another passes over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::AsyncMysqlConnection;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;

use crate::store::{StoreError, holds, links as outbox};
use crate::transaction::{Outcome, settle_free};
use crate::{Worker, links};

/// Proposals of one transaction.
const AT_ONCE: i64 = 200;

/// How long a proposal that cannot be settled is left alone.
const POSTPONED: TimeDelta = TimeDelta::minutes(1);

/// Sweeps until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(worker.settings.sweep_interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        match sweep(&worker).await {
            Ok(()) => worker.database_up.store(true, Ordering::Relaxed),
            Err(StoreError::Conflict(_)) => drop(worker.metrics.conflicts.inc()),
            Err(error) => {
                worker.database_up.store(false, Ordering::Relaxed);
                tracing::warn!(error = %error, "the sweeper waits");
                shutdown
                    .run_until_cancelled(tokio::time::sleep(Duration::from_secs(1)))
                    .await;
            }
        }
    }
}

/// One sweep: everything that is due now.
pub async fn sweep(worker: &Worker) -> Result<(), StoreError> {
    let mut conn = worker.store.connection().await?;
    loop {
        let now = clock::now();
        let mut due = holds::due(&mut conn, now, AT_ONCE).await?;
        due.sort();
        if due.is_empty() {
            break;
        }
        let found = due.len();
        let outcome = settle(worker, &mut conn, &due).await?;
        let settled = outcome.settled;
        worker.metrics.count_outcome(&outcome);
        links::deliver(worker, outcome.links).await;
        if settled < found {
            // Others are at the rest.
            break;
        }
    }
    let posted = outbox::posted(&mut conn, AT_ONCE).await?;
    links::deliver(worker, posted).await;
    Ok(())
}

/// Settles all of them, or, where one cannot be, each by itself.
async fn settle(
    worker: &Worker,
    conn: &mut AsyncMysqlConnection,
    due: &[InsureNum],
) -> Result<Outcome, StoreError> {
    match settle_free(conn, due, clock::now(), &worker.rules).await {
        Err(error) if error.may_be_permanent() => {}
        result => return result,
    }
    let mut all = Outcome::default();
    for num in due {
        match settle_free(conn, std::slice::from_ref(num), clock::now(), &worker.rules).await {
            Ok(outcome) => all.add(outcome),
            Err(error) if error.may_be_permanent() => {
                tracing::error!(error = %error, "a proposal cannot be settled; its held notices wait on");
                holds::set(conn, &[(num, clock::now() + POSTPONED)]).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
