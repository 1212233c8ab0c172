//! Batches by size, bytes and time.

use std::time::Duration;

use lapin::message::Delivery;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::store::links::PendingLink;

/// Bytes of bodies in one batch at most, so that large notices do not add up to a large transaction.
const BYTES: usize = 8 * 1024 * 1024;
/// Links of one batch, but for those that were found together with the last of them.
const LINKS: usize = 200;

/// What one transaction is made of.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub deliveries: Vec<Delivery>,
    /// Reissue links that are to be told.
    pub links: Vec<PendingLink>,
}

/// What comes to a lane.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub deliveries: Receiver<Delivery>,
    pub links: Receiver<Vec<PendingLink>>,
}

impl Incoming {
    /// The next batch of deliveries, and the links that have come by then. Links alone wait for nothing. `None`: no deliveries
    /// will come any more.
    pub async fn next(&mut self, size: usize, wait: Duration) -> Option<Batch> {
        let mut batch = Batch::default();
        tokio::select! {
            biased;
            first = self.deliveries.recv() => {
                batch.deliveries = with_first(first?, &mut self.deliveries, size, wait).await;
            }
            Some(links) = self.links.recv() => batch.links = links,
        }
        // Behind the last await: a batch that is given up while it is made takes no link with it.
        while batch.links.len() < LINKS
            && let Ok(links) = self.links.try_recv()
        {
            batch.links.extend(links);
        }
        Some(batch)
    }

    /// Takes no more links; those that have come.
    pub fn last_links(&mut self) -> Vec<PendingLink> {
        self.links.close();
        std::iter::from_fn(|| self.links.try_recv().ok())
            .flatten()
            .collect()
    }
}

/// The next deliveries: what is there, and what comes within `wait` of the first of them, up to `size`. `None`: nothing will
/// come any more.
pub(crate) async fn next(
    deliveries: &mut Receiver<Delivery>,
    size: usize,
    wait: Duration,
) -> Option<Vec<Delivery>> {
    let first = deliveries.recv().await?;
    Some(with_first(first, deliveries, size, wait).await)
}

async fn with_first(
    first: Delivery,
    deliveries: &mut Receiver<Delivery>,
    size: usize,
    wait: Duration,
) -> Vec<Delivery> {
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
    batch
}
