//! Stores the receivers' refused requests, and bounds their table. No notice depends on it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use lapin::options::BasicAckOptions;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xiebao_amqp::topology::{Part, REFUSED};
use xiebao_amqp::{Pacing, connect};
use xiebao_core::refused;
use xiebao_core::refused::Refused;
use xiebao_runtime::clock;

use crate::blame::{Blame, Cause};
use crate::session::{self, SessionError, subscribe};
use crate::worker::Worker;
use xiebao_store::StoreError;
use xiebao_store::sql::refused as record;

/// Unacknowledged messages.
const PREFETCH: u16 = 10;

/// Bounds on the table, by age and by rows.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
const MAX_ROWS: i64 = 100_000;

/// Rows deleted by one statement.
const DELETE_LIMIT: i64 = 500;
const TRIM_INTERVAL: Duration = Duration::from_secs(60);

/// Stores refused requests until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(200), Duration::from_secs(5));
    let mut warned = false;
    while let Some(result) = shutdown.run_until_cancelled(session(&worker, &mut warned)).await {
        match result {
            Ok(()) => pacing.start_over(),
            // One warning per outage: nothing else depends on it.
            Err(error) if !std::mem::replace(&mut warned, true) => {
                tracing::warn!(error = %error, "refused requests cannot be filed; notices are not affected");
            }
            Err(error) => tracing::debug!(error = %error, "refused requests still cannot be filed"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// Deletes old rows until `shutdown`.
pub async fn keep_small(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut warned = false;
    let mut ticks = tokio::time::interval(TRIM_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        match shutdown.run_until_cancelled(trim(&worker)).await {
            // Another worker is deleting.
            None | Some(Err(StoreError::Conflict(_))) => {}
            Some(Ok(())) => warned = false,
            Some(Err(error)) if !std::mem::replace(&mut warned, true) => {
                tracing::warn!(error = %error, "old refused requests could not be deleted");
            }
            Some(Err(_)) => {}
        }
    }
}

async fn trim(worker: &Worker) -> Result<(), StoreError> {
    let before = clock::now() - MAX_AGE;
    loop {
        let deleted = worker
            .refused_store
            .ask(async |conn| record::trim(conn, before, MAX_ROWS, DELETE_LIMIT).await)
            .await?;
        if deleted == 0 {
            return Ok(());
        }
    }
}

async fn session(worker: &Worker, warned: &mut bool) -> Result<(), SessionError> {
    let connection = connect(&worker.amqp.settings(), "xiebao-worker refused").await?;
    let (_channel, mut deliveries) = subscribe(&connection, Part::Record, REFUSED, PREFETCH).await?;
    if std::mem::take(warned) {
        tracing::info!("refused requests are filed again");
    }
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        match refused::read(&delivery.data) {
            Ok(records) => file(worker, &records).await,
            Err(problem) => tracing::warn!(problem, "skipped an unreadable message in xiebao.refused"),
        }
        delivery.acker.ack(BasicAckOptions::default()).await?;
    }
    session::close(&connection).await;
    Ok(())
}

/// Stores records, waiting for the database if necessary; one that the database rejects is logged and skipped.
async fn file(worker: &Worker, records: &[Refused]) {
    if records.is_empty() || until_filed(worker, records).await.is_ok() {
        return;
    }
    for record in records {
        if let Err(error) = until_filed(worker, std::slice::from_ref(record)).await {
            tracing::warn!(error = %error, "a refused request cannot be filed; see the receiver's log");
        }
    }
}

/// Retries until the records are stored.
///
/// # Errors
/// If the database works and rejects these records.
async fn until_filed(worker: &Worker, records: &[Refused]) -> Result<(), StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(200), Duration::from_secs(5));
    let (mut warned, mut blame) = (false, Blame::default());
    loop {
        let begun = Instant::now();
        let filing = worker
            .refused_store
            .ask(async |conn| record::file(conn, records).await);
        let Err(error) = filing.await else {
            return Ok(());
        };
        match blame
            .examine(&worker.store, &error, begun.elapsed(), records.len() > 1)
            .await
        {
            Cause::Work => return Err(error),
            Cause::Unproven => continue,
            Cause::Database if !std::mem::replace(&mut warned, true) => {
                tracing::warn!(error = %error, "refused requests are waiting for the database");
            }
            Cause::Database => {}
        }
        pacing.pause().await;
    }
}
