//! Files what the receivers have refused, and keeps the record small. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use lapin::options::BasicAckOptions;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_core::refused;
use xiebao_core::refused::Refused;
use xiebao_runtime::amqp::topology::{Part, REFUSED};
use xiebao_runtime::amqp::{Pacing, connect};
use xiebao_runtime::clock;

use crate::consumer::{CLOSE_WITHIN, SessionError, subscribe};
use crate::{Worker, probe};
use xiebao_store::StoreError;
use xiebao_store::sql::refused as record;

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
    let mut said = false;
    while let Some(result) = shutdown.run_until_cancelled(session(&worker, &mut said)).await {
        match result {
            Ok(()) => pacing.start_over(),
            // Once, until it works again: nothing else depends on it.
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(error = %error, "what is refused can't be filed; no notice is concerned");
            }
            Err(error) => tracing::debug!(error = %error, "what is refused still can't be filed"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// Trims the record until `shutdown`.
pub async fn keep_small(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut said = false;
    let mut ticks = tokio::time::interval(DELETED_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        match shutdown.run_until_cancelled(trim(&worker)).await {
            // Another worker is at it.
            None | Some(Err(StoreError::Conflict(_))) => {}
            Some(Ok(())) => said = false,
            Some(Err(error)) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(error = %error, "the record of refused requests is not trimmed");
            }
            Some(Err(_)) => {}
        }
    }
}

async fn trim(worker: &Worker) -> Result<(), StoreError> {
    let before = clock::now() - KEPT_FOR;
    loop {
        let gone = worker
            .record
            .ask(async |conn| record::trim(conn, before, KEPT_ROWS, DELETED_AT_ONCE).await)
            .await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

async fn session(worker: &Worker, said: &mut bool) -> Result<(), SessionError> {
    let connection = connect(&worker.amqp, "xiebao-worker refused").await?;
    let (_channel, mut deliveries) = subscribe(&connection, Part::Record, REFUSED, AT_ONCE).await?;
    if std::mem::take(said) {
        tracing::info!("what is refused is filed again");
    }
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

/// Until they are filed, but for what the database refuses for good.
async fn file(worker: &Worker, records: &[Refused]) {
    if records.is_empty() || until_filed(worker, records).await.is_ok() {
        return;
    }
    for record in records {
        if let Err(error) = until_filed(worker, std::slice::from_ref(record)).await {
            tracing::warn!(error = %error, "a refused request can't be filed; the receivers' logs have it");
        }
    }
}

/// `Err`: the database is there, and refuses these records.
async fn until_filed(worker: &Worker, records: &[Refused]) -> Result<(), StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(200), Duration::from_secs(5));
    let mut said = false;
    loop {
        let filing = worker.record.ask(async |conn| record::file(conn, records).await);
        match filing.await {
            Ok(()) => return Ok(()),
            Err(error) if error.may_be_permanent() && probe::succeeds(worker).await => return Err(error),
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(error = %error, "refused requests wait for the database");
            }
            Err(_) => {}
        }
        pacing.pause().await;
    }
}
