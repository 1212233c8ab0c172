//! The worker: de-duplicates, orders and applies notices. See `docs/architecture.md`.
//!
//! [`consumer`] runs sessions, whose `intake` spreads deliveries over lanes; [`pipeline`] applies a batch in transactions and
//! acknowledges it; [`sweeper`] releases overdue holds; [`dead`] files dead letters and [`refused`] refused requests;
//! [`outage`] decides what happens while the database is unavailable; [`sampling`] samples tables and queues for gauges.

mod acks;
mod admin;
mod batch;
mod blame;
pub mod consumer;
pub mod dead;
mod delivery;
pub mod failing;
mod hand_back;
mod intake;
pub mod isolation;
mod lane;
pub mod links;
pub mod metrics;
pub mod outage;
pub mod pipeline;
pub mod probe;
pub mod refused;
pub mod samples;
pub mod sampling;
pub mod session;
mod spans;
pub mod sweeper;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xiebao_amqp::Pacing;
use xiebao_runtime::config::Config;
use xiebao_runtime::shutdown::finish_within;
use xiebao_runtime::traces;
use xiebao_store::sql::migrations;
use xiebao_store::{Store, StoreError, WrongSetting, settings};

use crate::worker::Worker;

/// How long all tasks together may take to finish after the signal to stop. With the second for closing connections it
/// stays well below the 30 s that Kubernetes grants.
const GRACE: Duration = Duration::from_secs(20);

/// Works until `shutdown`, then finishes the batches at work. Deliveries that no batch has begun return to the queue.
///
/// # Errors
/// If the configuration cannot be used, the topology differs from the wanted one, or a task panics.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let worker = Arc::new(Worker::start(&config)?);
    let _admin = admin::serve(&worker, &shutdown)?;
    // From the start, so that the gauges also show a database that is not there yet.
    let _sampling = worker
        .settings
        .admin_listen
        .map(|_| AbortOnDropHandle::new(tokio::spawn(sampling::run(Arc::clone(&worker)))));
    let drifted = async { Err(anyhow!("{}", worker.publisher.drifted().await)) };
    let largest_body = config.receiver.max_body_bytes;
    tokio::select! {
        biased;
        result = drifted => return result,
        prepared = shutdown.run_until_cancelled(prepare(&worker, largest_body)) => if prepared.is_none() { return Ok(()) },
    }
    supervise(worker, shutdown).await
}

/// Waits for a migrated database and for the broker.
async fn prepare(worker: &Worker, largest_body: usize) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    loop {
        match pending_migrations(&worker.store).await {
            Ok(pending) if pending.is_empty() => break,
            Ok(pending) => {
                tracing::warn!(
                    migrations = pending.join(", "),
                    "waiting for the schema: run `xiebao migrate`"
                );
            }
            Err(error) => tracing::warn!(error = %error, "waiting for the database"),
        }
        pacing.pause().await;
    }
    warn_of_settings(&worker.store, largest_body).await;
    worker.migrated.store(true, Ordering::Relaxed);
    worker.publisher.opened().await;
}

/// An operator may have chosen such a setting, so the worker works with it. If the database is away again, the next start warns.
async fn warn_of_settings(store: &Store, largest_body: usize) {
    let wrong = store.ask(async |conn| settings::examine(conn, largest_body).await);
    for WrongSetting {
        name,
        is,
        wanted,
        why,
    } in wrong.await.unwrap_or_default()
    {
        tracing::warn!(
            setting.name = name,
            setting.is = is,
            setting.wanted = wanted,
            why,
            "a setting of the database endangers notices"
        );
    }
}

async fn pending_migrations(store: &Store) -> Result<Vec<String>, StoreError> {
    let found = store.ask(async |conn| migrations::difference(conn).await).await?;
    Ok(found.pending)
}

/// Runs the tasks until they end. The first that panics stops the others, and its panic is the result.
async fn supervise(worker: Arc<Worker>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(consumer::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(dead::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(sweeper::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(refused::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(refused::keep_small(Arc::clone(&worker), shutdown.clone()));
    let mut result = Ok(());
    let all_tasks = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(panic) = ended {
                result = Err(anyhow!("a task of the worker died: {panic}"));
                shutdown.cancel();
            }
        }
    };
    if finish_within(&shutdown, GRACE, all_tasks).await.is_err() {
        tracing::warn!("batches did not finish in time; their notices return to the queue");
    }
    tokio::join!(
        worker.publisher.close(),
        worker.traces.finish(traces::FINISH_WITHIN)
    );
    result
}
