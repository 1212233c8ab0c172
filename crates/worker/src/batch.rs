//! Batches by size, bytes and time.

use std::time::Duration;

use lapin::message::Delivery;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

/// Bytes of bodies in one batch at most, so that large notices do not add up to a large transaction.
const BYTES: usize = 8 * 1024 * 1024;

/// The next batch: what is there, and what comes within `wait` of its first delivery, up to `size`. `None`: nothing
/// will come any more.
pub async fn next(deliveries: &mut Receiver<Delivery>, size: usize, wait: Duration) -> Option<Vec<Delivery>> {
    let first = deliveries.recv().await?;
    let until = Instant::now() + wait;
    let mut bytes = first.data.len();
    let mut batch = vec![first];
    while batch.len() < size && bytes < BYTES {
        let Ok(Some(delivery)) = timeout_at(until, deliveries.recv()).await else {
            break;
        };
        bytes += delivery.data.len();
        batch.push(delivery);
    }
    Some(batch)
}
