//! Posts notices over plain HTTP/1.1 on one thread. The load shares the machine with the service that it measures, so it
//! must cost little: requests are written beforehand, and one costs a write, a read and no allocation.
//!
//! No tool at hand replaces it. The open loop has to send each of many signed bodies once, in their order, at a constant
//! rate, and count latency from the time when a notice was due. Of the load generators in Debian and on crates.io, wrk,
//! hey and h2load have no such rate or only one body, httperf reports no percentiles, and oha draws bodies at random.

mod connection;
mod loops;
mod schedule;
mod windows;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tokio::sync::oneshot;

/// The bodies to post, and their receiver.
#[derive(Debug, Clone)]
pub struct Load {
    pub address: SocketAddr,
    /// The path of the URL.
    pub path: String,
    pub bodies: Arc<[Bytes]>,
    /// One request at a time is in flight on a connection.
    pub connections: usize,
}

/// The rate and the latencies of a load.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadFigures {
    /// Acknowledged notices a second; of a closed loop the median of the windows.
    pub rate: f64,
    /// Latency of the acknowledgements, without those of the warm-up, in milliseconds.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// Acknowledged notices, with those of the warm-up.
    pub answered: u64,
    /// Answers other than 200 with `{"state":true}`; they have no part in the other figures.
    pub refused: u64,
}

impl Load {
    /// Each connection posts the next body as soon as it has its answer, over and over. After `warm_up`, `count` windows
    /// of length `window` are measured.
    ///
    /// # Errors
    /// If the server can't be reached, closes a connection, does not speak HTTP, or does not answer within 30 s.
    pub async fn closed(
        self,
        warm_up: Duration,
        window: Duration,
        count: usize,
    ) -> anyhow::Result<LoadFigures> {
        on_own_thread(async move || loops::closed(&self, warm_up, window, count).await).await
    }

    /// Posts at a constant rate (notices a second), independent of the answers. Latency counts from the time when a
    /// notice was due, so a stall counts for every notice that it delays. The longest idle connection takes the next
    /// notice; there must be enough of them.
    ///
    /// A server that falls behind gets `duration` once more. Notices that are not sent by then count as waiting until
    /// then, and not as answered.
    ///
    /// # Errors
    /// As [`Load::closed`].
    pub async fn open(self, rate: f64, warm_up: Duration, duration: Duration) -> anyhow::Result<LoadFigures> {
        on_own_thread(async move || loops::open(&self, rate, warm_up, duration).await).await
    }

    /// Posts each body exactly once, as fast as the answers come, and returns the number of notices.
    ///
    /// # Errors
    /// As [`Load::closed`], and if a notice is refused.
    pub async fn once(self) -> anyhow::Result<u64> {
        on_own_thread(async move || loops::once(&self).await).await
    }
}

/// Runs the work on a new thread, until it is done or the returned future is dropped.
async fn on_own_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let (mut sender, receiver) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let run = move || {
        let result = runtime.block_on(async {
            tokio::select! {
                // All connections are one task, whose share of polls tokio would limit.
                result = tokio::task::unconstrained(work()) => result,
                () = sender.closed() => bail!("nobody waits for the load any longer"),
            }
        });
        // The receiver may be gone.
        let _ = sender.send(result);
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(run)?;
    receiver.await.context("the thread of the load panicked")?
}
