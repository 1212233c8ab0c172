//! The end in stages, all of it within `receiver.shutdown_timeout_ms` of the signal:
//!
//! 1. Not ready at once, but notices are still taken: whoever sends them learns of it with a delay, and a refused
//!    connection costs the platform one of its few tries. Each answer ends its connection.
//! 2. Nothing new is taken; what is in flight is answered.
//! 3. What is not answered by then is cut off without an answer, and the broker's connections are closed.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::ReceiverConfig;

/// What the third stage may take: a tenth, and no more than that.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);

/// Counts from the signal.
#[derive(Debug)]
pub(crate) struct Ending {
    signal: CancellationToken,
    drain_delay: Duration,
    bound: Duration,
    signalled_at: Option<Instant>,
}

impl Ending {
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
        tokio::time::sleep_until(signalled_at + self.drain_delay.min(self.until_farewell())).await;
    }

    /// What became of the work; `None` when it takes longer than the second stage may, and goes on.
    pub async fn finished<T>(&self, work: JoinHandle<T>) -> Option<Result<T, tokio::task::JoinError>> {
        let deadline = self.signalled_at.unwrap_or_else(Instant::now) + self.until_farewell();
        tokio::time::timeout_at(deadline, work).await.ok()
    }

    /// What is left of the bound.
    pub fn remaining(&self) -> Duration {
        let spent = self.signalled_at.map_or(Duration::ZERO, |at| at.elapsed());
        self.bound.saturating_sub(spent)
    }

    fn farewell(&self) -> Duration {
        (self.bound / 10).min(LONGEST_FAREWELL)
    }

    fn until_farewell(&self) -> Duration {
        self.bound - self.farewell()
    }
}
