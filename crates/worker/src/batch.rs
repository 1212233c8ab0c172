//! Collects deliveries into batches, bounded by number, bytes and time.

use std::time::Duration;

use lapin::message::Delivery;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use xiebao_store::sql::links::PendingLink;

/// Bytes of bodies after which a batch is full: parsed, they take many times as many.
const BYTES: usize = 512 * 1024;
/// Links after which a batch takes no more; those that were found together stay together.
const LINKS: usize = 200;

/// The input of one run of the pipeline.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub deliveries: Vec<Delivery>,
    /// Reissue links to deliver.
    pub links: Vec<PendingLink>,
}

/// The two queues of a lane.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub deliveries: Receiver<Delivery>,
    pub links: Receiver<Vec<PendingLink>>,
}

impl Incoming {
    /// The next batch of deliveries, with the links that have arrived by then. Links alone do not wait for deliveries.
    /// `None` once the queue of deliveries is closed.
    pub async fn next(&mut self, size: usize, wait: Duration) -> Option<Batch> {
        let mut batch = Batch::default();
        tokio::select! {
            biased;
            first = self.deliveries.recv() => {
                batch.deliveries = with_first(first?, &mut self.deliveries, size, wait).await;
            }
            Some(links) = self.links.recv() => batch.links = links,
        }
        // After the last await, so a cancelled batch loses no links.
        while batch.links.len() < LINKS
            && let Ok(links) = self.links.try_recv()
        {
            batch.links.extend(links);
        }
        Some(batch)
    }

    /// Closes the queue of links and returns the links left in it.
    pub async fn last_links(&mut self) -> Vec<PendingLink> {
        self.links.close();
        let mut last = Vec::new();
        // Also waits for senders that hold a permit.
        while let Some(links) = self.links.recv().await {
            last.extend(links);
        }
        last
    }
}

/// The next deliveries, up to `size`: those in the queue, and those that arrive within `wait` of the first. `None` once the
/// queue is closed.
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{Sender, channel};
    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(3_600);

    fn incoming() -> (Sender<Delivery>, Sender<Vec<PendingLink>>, Incoming) {
        let (to_deliver, deliveries) = channel(10);
        let (to_tell, links) = channel(10);
        (to_deliver, to_tell, Incoming { deliveries, links })
    }

    fn delivery(tag: u64) -> Delivery {
        Delivery::mock(tag, "".into(), "".into(), false, vec![])
    }

    fn links(count: usize) -> Vec<PendingLink> {
        (0..count).map(crate::links::invented).collect()
    }

    fn sizes(batch: &Batch) -> (usize, usize) {
        (batch.deliveries.len(), batch.links.len())
    }

    #[tokio::test]
    async fn links_alone_wait_for_no_delivery() {
        let (_to_deliver, to_tell, mut incoming) = incoming();
        to_tell.send(links(3)).await.expect("there is room");
        let batch = timeout(MOMENT, incoming.next(10, LONG)).await;
        assert_eq!(sizes(&batch.expect("at once").expect("one")), (0, 3));
    }

    #[tokio::test]
    async fn links_go_with_the_deliveries_up_to_a_bound() {
        let (to_deliver, to_tell, mut incoming) = incoming();
        for tag in 1..=2 {
            to_deliver.send(delivery(tag)).await.expect("there is room");
        }
        for _ in 0..3 {
            to_tell.send(links(LINKS - 1)).await.expect("there is room");
        }
        assert_eq!(
            sizes(&incoming.next(2, LONG).await.expect("one")),
            (2, 2 * (LINKS - 1))
        );
        assert_eq!(sizes(&incoming.next(2, LONG).await.expect("one")), (0, LINKS - 1));
    }

    #[tokio::test]
    async fn a_batch_that_is_given_up_leaves_the_links_and_so_does_the_end_of_deliveries() {
        let (to_deliver, to_tell, mut incoming) = incoming();
        to_deliver.send(delivery(1)).await.expect("there is room");
        to_tell.send(links(1)).await.expect("there is room");
        assert!(timeout(MOMENT, incoming.next(2, LONG)).await.is_err());
        drop(to_deliver);
        assert!(incoming.next(2, LONG).await.is_none());
        assert_eq!(incoming.last_links().await.len(), 1);
        assert!(to_tell.send(links(1)).await.is_err());
    }
}
