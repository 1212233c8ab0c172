//! The state that every request shares.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xiebao_core::rules::Rules;
use xiebao_runtime::config::{Config, ReceiverConfig};
use xiebao_runtime::keys::KeyRing;
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_runtime::traces::Traces;

use crate::body::BodyReader;
use crate::metrics::Metrics;
use crate::refusals::Refusals;

/// Connections, settings and state of one receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Cancelled by the signal to stop.
    pub shutdown: CancellationToken,
    /// `receiver.*` of the configuration.
    pub config: ReceiverConfig,
    /// Reads bodies in bounded memory.
    pub bodies: BodyReader,
    /// The subscribed notice types.
    pub rules: Rules,
    /// The partners' keys.
    pub keys: Arc<KeyRing>,
    /// Publishes authentic notices.
    pub publisher: NoticePublisher,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Where spans go.
    pub traces: Traces,
    /// Refused requests that are not yet recorded.
    pub refusals: Arc<Refusals>,
}

impl Receiver {
    /// Reads the keys, and starts the publisher and the span sender.
    ///
    /// # Errors
    /// If the keys file or the broker's address is missing or unusable.
    pub fn start(
        config: &Config,
        shutdown: &CancellationToken,
        registry: &mut Registry,
    ) -> anyhow::Result<Self> {
        let keys = open_keys(config.require_keys_file()?)?;
        let publisher = NoticePublisher::start_unpinned(
            config.require_amqp()?,
            "xiebao-receiver",
            config.receiver.connections,
            config.receiver.publish_timeout,
        )?;
        let metrics = Metrics::register(registry, &keys.keys());
        let traces = Traces::start(config.otlp.as_ref(), "xiebao-receiver")?;
        traces.register(registry.sub_registry_with_prefix("xiebao_receiver"));
        Ok(Self {
            shutdown: shutdown.clone(),
            bodies: BodyReader::new(config.receiver.max_body_bytes, config.receiver.body_timeout),
            config: config.receiver.clone(),
            rules: config.rules.clone(),
            keys,
            publisher,
            metrics,
            traces,
            refusals: Arc::default(),
        })
    }

    /// Re-reads the keys file when it changes, until the task is aborted.
    pub fn watch_keys(&self) -> JoinHandle<()> {
        let observe = self.metrics.keys_observer(Arc::clone(&self.keys));
        tokio::spawn(Arc::clone(&self.keys).watch(observe))
    }
}

fn open_keys(path: &Path) -> anyhow::Result<Arc<KeyRing>> {
    let ring = KeyRing::open(path).with_context(|| format!("keys file {}", path.display()))?;
    Ok(Arc::new(ring))
}
