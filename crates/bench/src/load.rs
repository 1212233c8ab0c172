//! Posts notices over plain HTTP/1.1, on one thread: it shares the machine with what it measures, so it must cost little.
//!
//! Requests are written out beforehand; a request costs one write, one read and no allocation. One request at a time is under
//! way on a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::median;

mod answer;
mod closed;
mod connection;
mod open;
mod pace;
mod requests;
mod send_all;
mod tally;
mod thread;

#[cfg(test)]
mod tests;

pub use pace::Pace;
pub use tally::Latency;

use requests::Requests;
use thread::on_own_thread;

/// What the receiver made of a load.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Notices acknowledged in a second, window by window. An open loop has one window.
    pub rates: Vec<f64>,
    /// Their median.
    pub rate: f64,
    /// Of the acknowledgements within the windows, in milliseconds.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// From the first request to the last, those of the warm-up included.
    pub answered: u64,
    /// Answers other than 200 with `{"state":true}`. They count neither as answered nor in the latencies.
    pub refused: u64,
    /// What the load itself took of a processor, from the first connection to the last answer, in seconds.
    pub own_cpu_seconds: f64,
}

/// What it took to post every body once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sent {
    pub answered: u64,
    pub seconds: f64,
    /// Notices a second.
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// Each connection posts the next body as soon as it has its answer. After `warm_up`, `windows` windows of this length are
/// measured. Bodies are used in turn, again and again.
///
/// # Errors
/// When the server can't be reached, closes a connection, speaks no HTTP, or gives no answer for 30 s.
pub async fn closed(
    address: SocketAddr,
    path: &str,
    bodies: Arc<[Bytes]>,
    connections: usize,
    warm_up: Duration,
    window: Duration,
    windows: usize,
) -> anyhow::Result<Loaded> {
    let requests = Requests::write(address, path, &bodies)?;
    let plan = closed::Plan {
        connections,
        warm_up,
        window,
        windows,
    };
    on_own_thread(move || closed::run(address, requests, plan)).await
}

/// Posts at an even rate (notices a second), whatever the receiver does: latency counts from when a notice was due, so that a
/// stall is paid for by all that it kept waiting. A notice that is due is taken by the connection that has been free for
/// longest; enough of them are needed. Of `duration`, after `warm_up`, the rate that was achieved is reported.
///
/// A server that falls behind gets as long again to answer what was due; what is not even sent by then is counted as waiting
/// until then, and not as answered.
///
/// # Errors
/// As [`closed`].
pub async fn open(
    address: SocketAddr,
    path: &str,
    bodies: Arc<[Bytes]>,
    connections: usize,
    rate: f64,
    warm_up: Duration,
    duration: Duration,
) -> anyhow::Result<Loaded> {
    let requests = Requests::write(address, path, &bodies)?;
    let plan = open::Plan {
        connections,
        rate,
        warm_up,
        duration,
    };
    on_own_thread(move || open::run(address, requests, plan)).await
}

/// Posts each body exactly once, as fast as the answers come.
///
/// # Errors
/// As [`closed`], and when an answer is not 200 with `{"state":true}`: what was sent is then not what was meant.
pub async fn send_all(
    address: SocketAddr,
    path: &str,
    bodies: Arc<[Bytes]>,
    connections: usize,
) -> anyhow::Result<Sent> {
    let requests = Requests::write(address, path, &bodies)?;
    on_own_thread(move || send_all::run(address, requests, connections)).await
}

impl Loaded {
    fn new(rates: Vec<f64>, latency: &Latency, answered: u64, refused: u64) -> Self {
        Self {
            rate: median(&rates),
            rates,
            p50_ms: latency.ms(0.5),
            p99_ms: latency.ms(0.99),
            p999_ms: latency.ms(0.999),
            answered,
            refused,
            own_cpu_seconds: 0.0,
        }
    }
}
