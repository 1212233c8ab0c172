//! Files what the receivers have refused, and keeps the record small. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use lapin::options::BasicAckOptions;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::amqp::topology::REFUSED;
use xiebao_runtime::amqp::{Pacing, connect};
use xiebao_runtime::{clock, refused};

use crate::Worker;
use crate::consumer::{CLOSE_WITHIN, SessionError, subscribe};
use crate::store::{StoreError, refused as record};

const AT_ONCE: u16 = 10;

/// How long a record is kept, and how many.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);
const KEPT_ROWS: i64 = 100_000;

/// Rows deleted in one statement, and how often there is any.
const DELETED_AT_ONCE: i64 = 500;
const DELETED_EVERY: Duration = Duration::from_secs(60);

/// Files until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(200), Duration::from_secs(5));
    while let Some(result) = shutdown.run_until_cancelled(session(&worker)).await {
        match result {
            Ok(()) => pacing.start_over(),
            Err(error) => tracing::debug!(error = %error, "no refused requests from the broker"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// Trims the record until `shutdown`.
pub async fn keep_small(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(DELETED_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Some(Err(error)) = shutdown.run_until_cancelled(trim(&worker)).await {
            tracing::debug!(error = %error, "the record of refused requests is not trimmed");
        }
    }
}

async fn trim(worker: &Worker) -> Result<(), StoreError> {
    let before = clock::now() - KEPT_FOR;
    loop {
        let gone = worker
            .store
            .ask(async |conn| record::trim(conn, before, KEPT_ROWS, DELETED_AT_ONCE).await)
            .await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

async fn session(worker: &Worker) -> Result<(), SessionError> {
    let connection = connect(&worker.amqp, "xiebao-worker refused").await?;
    let (_channel, mut deliveries) = subscribe(&connection, REFUSED, AT_ONCE).await?;
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        match refused::read(&delivery.data) {
            Ok(records) => file(worker, &records).await,
            Err(problem) => tracing::warn!(problem, "a message of xiebao.refused is passed over"),
        }
        delivery.acker.ack(BasicAckOptions::default()).await?;
    }
    let _ = timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await;
    Ok(())
}

/// Until they are filed, or the database refuses them for good.
async fn file(worker: &Worker, records: &[refused::Refused]) {
    let mut pacing = Pacing::new(Duration::from_millis(200), Duration::from_secs(5));
    if records.is_empty() {
        return;
    }
    loop {
        let filing = worker.store.ask(async |conn| record::file(conn, records).await);
        match filing.await {
            Ok(()) => return,
            Err(error) if error.may_be_permanent() => {
                tracing::warn!(error = %error, "refused requests can't be filed; the receivers' logs have them");
                return;
            }
            Err(_) => pacing.pause().await,
        }
    }
}
