//! The end in three stages, within `receiver.shutdown_timeout_ms` of the signal:
//!
//! 1. The receiver is not ready but still accepts notices, because load balancers react with a delay, and a refused
//!    connection costs the platform one of its few tries. Each answer closes its connection.
//! 2. It accepts nothing new, and answers the requests in flight.
//! 3. It cuts off the requests that are still unanswered, and closes the connections to the broker.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::ReceiverConfig;

/// The third stage takes at most a tenth of the bound, and at most this.
const LONGEST_CLOSING: Duration = Duration::from_secs(2);

/// The stages, timed from the signal.
#[derive(Debug)]
pub(crate) struct Ending {
    signal: CancellationToken,
    drain_delay: Duration,
    bound: Duration,
    signalled_at: Option<Instant>,
}

impl Ending {
    /// Begins with `signal`; the times are those of the configuration.
    pub fn on(signal: CancellationToken, config: &ReceiverConfig) -> Self {
        Self {
            signal,
            drain_delay: config.drain_delay,
            bound: config.shutdown_timeout,
            signalled_at: None,
        }
    }

    /// Resolves when the first stage is over.
    pub async fn drained(&mut self) {
        self.signal.cancelled().await;
        let signalled_at = *self.signalled_at.get_or_insert_with(Instant::now);
        tokio::time::sleep_until(signalled_at + self.drain_delay.min(self.until_closing())).await;
    }

    /// The result of `work`; `None` if it exceeds the second stage, and then it goes on.
    pub async fn finished<T>(&self, work: JoinHandle<T>) -> Option<Result<T, tokio::task::JoinError>> {
        let deadline = self.signalled_at.unwrap_or_else(Instant::now) + self.until_closing();
        tokio::time::timeout_at(deadline, work).await.ok()
    }

    /// The time left until the bound.
    pub fn remaining(&self) -> Duration {
        let spent = self.signalled_at.map_or(Duration::ZERO, |at| at.elapsed());
        self.bound.saturating_sub(spent)
    }

    fn until_closing(&self) -> Duration {
        self.bound - (self.bound / 10).min(LONGEST_CLOSING)
    }
}
