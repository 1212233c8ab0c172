//! The state that the tasks of a worker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xiebao_core::rules::Rules;
use xiebao_runtime::config::{AmqpConfig, Config, WorkerConfig};
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_runtime::traces::Traces;
use xiebao_store::Store;

use crate::metrics::Metrics;
use crate::outage::Waiters;
use crate::samples::Samples;
use crate::sampling;

/// Bound on publishing a retry or a dead letter; until it is confirmed, its delivery stays unacknowledged.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections, settings and state of one worker.
pub struct Worker {
    /// Connections for notices, dead letters, the sweeper and the gauges.
    pub store: Store,
    /// A separate connection for refused requests, so that they never take one from the notices.
    pub refused_store: Store,
    /// Publishes retries, dead letters and deliveries that are handed back.
    pub publisher: NoticePublisher,
    /// The rules of waiting, and the subscribed notice types.
    pub rules: Rules,
    /// The broker's addresses, for the sessions.
    pub amqp: AmqpConfig,
    /// `worker.*` of the configuration.
    pub settings: WorkerConfig,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// The last sample of tables and queues.
    pub samples: Arc<Samples>,
    /// Where spans go.
    pub traces: Traces,
    /// The schema is complete.
    pub migrated: AtomicBool,
    /// Lanes that wait for the database, and the session that waits to resume.
    pub waiting: Waiters,
    /// Filing of dead letters that waits for the database.
    pub filing: Waiters,
    /// The last sweep succeeded.
    pub sweeping: AtomicBool,
    /// A session takes deliveries.
    pub consuming: AtomicBool,
}

impl Worker {
    /// Starts the publisher and the span sender; connects to the database on first use. Must be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// If `amqp.url` or `database.url` is missing or unusable.
    pub fn start(config: &Config) -> anyhow::Result<Self> {
        let amqp = config.require_amqp()?.clone();
        let database = config.require_database()?;
        let sample_lifetime = sampling::lifetime(config.worker.sample_interval);
        Ok(Self {
            store: Store::new(database.url.expose(), database.pool_size),
            refused_store: Store::new(database.url.expose(), 1),
            publisher: NoticePublisher::start(&amqp, "xiebao-worker", 1, PUBLISH_TIMEOUT)?,
            rules: config.rules.clone(),
            amqp,
            settings: config.worker.clone(),
            metrics: Metrics::default(),
            samples: Arc::new(Samples::with_lifetime(sample_lifetime)),
            traces: Traces::start(config.otlp.as_ref(), "xiebao-worker")?,
            migrated: AtomicBool::new(false),
            waiting: Waiters::default(),
            filing: Waiters::default(),
            sweeping: AtomicBool::new(true),
            consuming: AtomicBool::new(false),
        })
    }

    /// Checks that the worker does its job now.
    ///
    /// # Errors
    /// The reason why it does not, for `/readyz`.
    pub fn ready(&self) -> Result<(), String> {
        if let Some(trouble) = self.database_trouble() {
            let setting = self.store.wrong_setting();
            return Err(setting.map_or_else(|| trouble.to_owned(), |setting| format!("{trouble}: {setting}")));
        }
        if !self.consuming.load(Ordering::Relaxed) {
            return Err("not consuming from the broker".to_owned());
        }
        self.publisher.ready()
    }

    /// Why the database cannot be used; `None` if it can.
    pub fn database_trouble(&self) -> Option<&'static str> {
        if !self.migrated.load(Ordering::Relaxed) {
            return Some("the database is not available or not migrated");
        }
        let works = !self.is_paused() && self.sweeping.load(Ordering::Relaxed);
        (!works).then_some("waiting for the database")
    }

    /// Tells if work that was begun waits for the database.
    pub fn is_paused(&self) -> bool {
        self.waiting.any() || self.filing.any()
    }
}
