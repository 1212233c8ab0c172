//! The task that publishes refused requests, on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::AmqpConfig;
use xiebao_runtime::publishing::RefusedPublisher;

use super::Refusals;
use crate::shutdown::Ending;

/// Bound on publishing one message.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Bound on publishing the last records while the process waits for them.
const LAST_PUBLISH_TIMEOUT: Duration = Duration::from_millis(500);

/// The running task. Its connection is not that of the notices, so that no trouble of one affects the other.
pub(crate) struct Recorder {
    refusals: Arc<Refusals>,
    publisher: Arc<RefusedPublisher>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Starts publishing.
    ///
    /// # Errors
    /// If the broker's address cannot be used.
    pub fn start(config: &AmqpConfig, refusals: Arc<Refusals>) -> anyhow::Result<Self> {
        let publisher = RefusedPublisher::start(config, "xiebao-receiver refused", PUBLISH_TIMEOUT)?;
        let publisher = Arc::new(publisher);
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (refusals, publisher, stop) = (Arc::clone(&refusals), Arc::clone(&publisher), stop.clone());
            async move { refusals.keep_publishing(&publisher, &stop).await }
        });
        Ok(Self {
            refusals,
            publisher,
            stop,
            task,
        })
    }

    /// Publishes the last records and closes the connection, within the time that `ending` leaves.
    pub async fn finish(self, ending: &Ending) {
        self.stop.cancel();
        let _ = self.task.await;
        let bound = LAST_PUBLISH_TIMEOUT.min(ending.remaining());
        let _ = timeout(bound, self.refusals.publish_all(&self.publisher)).await;
        self.publisher.close_within(ending.remaining()).await;
    }
}
