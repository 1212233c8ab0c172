//! The worker: de-duplicates, orders and applies notices. See `docs/architecture.md`.
//!
//! [`consumer`] takes deliveries and acknowledges them, [`pipeline`] makes batches into transactions, [`transaction`]
//! decides and writes, [`sweeper`] lets go what has waited long enough, [`dead`] files dead letters, [`outage`] says
//! what is done while the database is away, [`sampling`] looks at tables and queues for the gauges.

mod acks;
mod batch;
pub mod consumer;
pub mod dead;
pub mod failing;
mod held;
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
mod spans;
pub mod sweeper;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xiebao_core::rules::Rules;
use xiebao_runtime::amqp::{Pacing, Publisher};
use xiebao_runtime::config::{AmqpConfig, Config, WorkerConfig};
use xiebao_runtime::health;
use xiebao_runtime::traces::{self, Traces};

use crate::metrics::Metrics;
use crate::outage::Waiters;
use crate::samples::Samples;
use xiebao_store::sql::migrations;
use xiebao_store::{Store, StoreError};

/// Bound on publishing a dead letter; until it is confirmed, its message stays unacknowledged.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long all tasks together may take to finish after the signal to stop. With the second that closing the connections
/// may take it stays well below the 30 s that Kubernetes gives, whatever hangs.
const GRACE: Duration = Duration::from_secs(20);

/// What the tasks of a worker share.
pub struct Worker {
    pub store: Store,
    /// One connection more, for the record of refused requests: what happens to that takes none from the notices.
    pub record: Store,
    pub publisher: Publisher,
    pub rules: Rules,
    pub amqp: AmqpConfig,
    pub settings: WorkerConfig,
    pub metrics: Metrics,
    /// What was last seen of tables and queues.
    pub samples: Arc<Samples>,
    pub traces: Traces,
    /// The schema is there.
    pub migrated: AtomicBool,
    /// Lanes that wait for the database, or the session that waits to begin.
    pub waiting: Waiters,
    /// The same of the filing of dead letters.
    pub filing: Waiters,
    /// The last sweep found the database working.
    pub sweeping: AtomicBool,
    /// Deliveries are being taken.
    pub consuming: AtomicBool,
}

impl Worker {
    fn ready(&self) -> Result<(), String> {
        if let Some(trouble) = self.database_trouble() {
            return Err(trouble.to_owned());
        }
        if !self.consuming.load(Ordering::Relaxed) {
            return Err("not consuming from the broker".to_owned());
        }
        self.publisher.ready()
    }

    fn database_trouble(&self) -> Option<&'static str> {
        if !self.migrated.load(Ordering::Relaxed) {
            return Some("the database is not available or not migrated");
        }
        let works = !self.waiting.any() && !self.filing.any() && self.sweeping.load(Ordering::Relaxed);
        (!works).then_some("waiting for the database")
    }
}

/// Works until `shutdown`, then finishes the batches it has begun. What it has taken and not begun goes back to the
/// queue.
///
/// # Errors
/// When the configuration cannot be used, the topology differs from what is wanted, or a task dies.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let amqp = config.require_amqp()?.clone();
    let database = config.require_database()?;
    let worker = Arc::new(Worker {
        store: Store::new(database.url.expose(), database.pool_size),
        record: Store::new(database.url.expose(), 1),
        publisher: Publisher::start(&amqp, "xiebao-worker", 1, PUBLISH_TIMEOUT)?,
        rules: config.rules.clone(),
        amqp,
        settings: config.worker.clone(),
        metrics: Metrics::default(),
        samples: Arc::new(Samples::good_for(sampling::good_for(
            config.worker.sample_interval,
        ))),
        traces: Traces::start(config.otlp.as_ref(), "xiebao-worker"),
        migrated: AtomicBool::new(false),
        waiting: Waiters::default(),
        filing: Waiters::default(),
        sweeping: AtomicBool::new(true),
        consuming: AtomicBool::new(false),
    });
    let _admin = admin(&worker, &shutdown)?;
    // From the start: that there is no database yet is what the gauges are to show.
    let _sampling = worker
        .settings
        .admin_listen
        .map(|_| AbortOnDropHandle::new(tokio::spawn(sampling::run(Arc::clone(&worker)))));
    let drifted = async { Err(anyhow!("{}", worker.publisher.drifted().await)) };
    tokio::select! {
        biased;
        result = drifted => return result,
        result = shutdown.run_until_cancelled(prepared(&worker)) => if result.is_none() { return Ok(()) },
    }
    supervise(worker, shutdown).await
}

fn admin(worker: &Arc<Worker>, shutdown: &CancellationToken) -> anyhow::Result<Option<health::AdminServer>> {
    let Some(address) = worker.settings.admin_listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).with_context(|| format!("worker.admin_listen {address}"))?;
    let (asked, stopping) = (Arc::clone(worker), shutdown.clone());
    let ready = move || {
        if stopping.is_cancelled() {
            Err("shutting down".to_owned())
        } else {
            asked.ready()
        }
    };
    let mut registry = metrics::registry(worker);
    worker
        .traces
        .register(registry.sub_registry_with_prefix("xiebao_worker"));
    Ok(Some(health::serve(
        listener,
        "xiebao_worker",
        Arc::new(ready),
        registry,
    )?))
}

/// Waits until the broker and a migrated database are there.
async fn prepared(worker: &Worker) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    loop {
        match migrated(&worker.store).await {
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
    worker.migrated.store(true, Ordering::Relaxed);
    worker.publisher.opened().await;
}

async fn migrated(store: &Store) -> Result<Vec<String>, StoreError> {
    let found = store.ask(async |conn| migrations::difference(conn).await).await?;
    Ok(found.pending)
}

/// Runs the tasks. The first that dies ends the worker with an error.
async fn supervise(worker: Arc<Worker>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(consumer::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(dead::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(sweeper::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(refused::run(Arc::clone(&worker), shutdown.clone()));
    tasks.spawn(refused::keep_small(Arc::clone(&worker), shutdown.clone()));
    let mut result = Ok(());
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(death) = ended {
                result = Err(anyhow!("a task of the worker died: {death}"));
                shutdown.cancel();
            }
        }
    };
    if xiebao_runtime::shutdown::finish_within(&shutdown, GRACE, all)
        .await
        .is_err()
    {
        tracing::warn!("batches at work were not finished in time; their notices go back to the queue");
    }
    tokio::join!(
        worker.publisher.close(),
        worker.traces.finish(traces::FINISH_WITHIN)
    );
    result
}
