//! Counters of the services.

use std::net::SocketAddr;

use reqwest::Client;
use xiebao_testkit::Metrics;

const COUNTERS: [&str; 2] = ["xiebao_receiver_notices_total", "xiebao_worker_notices_total"];

/// The number of notices that a receiver or a worker has handled since its start, `None` if it does not answer.
pub async fn notices(client: &Client, admin: SocketAddr) -> Option<u64> {
    let metrics = Metrics::read(client, admin).await.ok()?;
    Some(COUNTERS.iter().map(|name| metrics.sum(name) as u64).sum())
}
