//! Lanes: batches that run in parallel. Each proposal belongs to one lane.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use lapin::Channel;
use lapin::message::Delivery;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use xiebao_amqp::ReadGate;
use xiebao_core::envelope::header;

use crate::acks::Acks;
use crate::batch::Incoming;
use crate::delivery::text_header;
use crate::worker::Worker;
use crate::{links, pipeline};
use xiebao_store::sql::links::PendingLink;

/// Batches whose links may wait for one lane. The sweeper delivers the links of further ones.
const BATCHES_WAITING: usize = 64;

/// Bytes of a large notice.
const LARGE: usize = 16 * 1024;

/// The ways to the lanes of a session. Notices of one proposal and links to it share a lane, so that lanes seldom wait for
/// each other's locks. Large notices have a lane of their own, so that no other waits for them and few are in memory.
/// Correctness does not depend on it: other workers have their own lanes.
pub(crate) struct Lanes {
    by_proposal: Vec<mpsc::Sender<Delivery>>,
    large: mpsc::Sender<Delivery>,
}

impl Lanes {
    /// Returns `false` if the lane has ended.
    pub async fn send(&self, delivery: Delivery) -> bool {
        let lane = match delivery.data.len() > LARGE {
            true => &self.large,
            false => &self.by_proposal[of_delivery(&delivery, self.by_proposal.len())],
        };
        lane.send(delivery).await.is_ok()
    }
}

fn of_delivery(delivery: &Delivery, lanes: usize) -> usize {
    match text_header(delivery, header::INSURE_NUM) {
        Some(insure_num) => of(insure_num, lanes),
        None => of(delivery.delivery_tag, lanes),
    }
}

fn of(key: impl Hash, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % lanes.max(1) as u64) as usize
}

/// The queues that carry reissue links to the lanes.
#[derive(Debug, Clone)]
struct LinkQueues(Arc<[mpsc::Sender<Vec<PendingLink>>]>);

impl LinkQueues {
    fn open(lanes: usize) -> (Self, Vec<mpsc::Receiver<Vec<PendingLink>>>) {
        let (senders, receivers) = (0..lanes).map(|_| mpsc::channel(BATCHES_WAITING)).unzip();
        (Self(Vec::into(senders)), receivers)
    }

    /// Sends each link to the lane of its new proposal, and returns those whose lane has ended. Links for a full lane stay
    /// in the outbox.
    fn send(&self, links: Vec<PendingLink>) -> Vec<PendingLink> {
        let mut by_lane = vec![Vec::new(); self.0.len()];
        for link in links {
            by_lane[of(link.new_insure_num.as_str(), self.0.len())].push(link);
        }
        let mut ended = Vec::new();
        for (queue, links) in self.0.iter().zip(by_lane) {
            if !links.is_empty()
                && let Err(TrySendError::Closed(links)) = queue.try_send(links)
            {
                ended.extend(links);
            }
        }
        ended
    }
}

/// The state that the lanes of a session share.
#[derive(Clone)]
struct Shared {
    worker: Arc<Worker>,
    acks: Arc<Acks<Channel>>,
    /// Lets the session read on when deliveries are answered.
    gate: Arc<ReadGate>,
    links: LinkQueues,
    shutdown: CancellationToken,
    /// Cancelled when the lanes must give up waiting for the database.
    give_up: CancellationToken,
}

/// Opens the lanes of a session. Each returns its unacknowledged deliveries when it ends.
pub(crate) fn open(
    worker: &Arc<Worker>,
    acks: &Arc<Acks<Channel>>,
    gate: &Arc<ReadGate>,
    shutdown: &CancellationToken,
    give_up: &CancellationToken,
) -> (Lanes, JoinSet<Vec<Delivery>>) {
    let (links, queues) = LinkQueues::open(worker.settings.lanes);
    let shared = Shared {
        worker: Arc::clone(worker),
        acks: Arc::clone(acks),
        gate: Arc::clone(gate),
        links,
        shutdown: shutdown.clone(),
        give_up: give_up.clone(),
    };
    let mut running = JoinSet::new();
    let mut open_one = |links| {
        let (sender, deliveries) = mpsc::channel(usize::from(worker.settings.prefetch).max(1));
        running.spawn(run(shared.clone(), Incoming { deliveries, links }));
        sender
    };
    let by_proposal = queues.into_iter().map(&mut open_one).collect();
    // Links go to the lanes of their proposals.
    let (_, no_links) = mpsc::channel(1);
    let large = open_one(no_links);
    (Lanes { by_proposal, large }, running)
}

/// Processes batches one after the other, and returns the unacknowledged deliveries at the end.
async fn run(shared: Shared, mut incoming: Incoming) -> Vec<Delivery> {
    let Shared {
        worker,
        acks,
        gate,
        links,
        shutdown,
        give_up,
    } = shared;
    let (most, wait) = (worker.settings.batch_size, worker.settings.batch_wait);
    let (mut unacknowledged, mut undelivered_links) = (Vec::new(), Vec::new());
    while let Some(Some(batch)) = shutdown.run_until_cancelled(incoming.next(most, wait)).await {
        if give_up.is_cancelled() {
            unacknowledged.extend(batch.deliveries);
            continue;
        }
        let (size, held) = (batch.deliveries.len(), bytes(&batch.deliveries));
        let processed = pipeline::process(&worker, &acks, batch, &give_up).await;
        let answered = size - processed.unacknowledged.len();
        worker
            .metrics
            .in_hand
            .dec_by(i64::try_from(answered).unwrap_or(i64::MAX));
        gate.release(held - bytes(&processed.unacknowledged));
        unacknowledged.extend(processed.unacknowledged);
        undelivered_links.extend(links.send(processed.links));
    }
    undelivered_links.extend(incoming.last_links().await);
    // Links that are given up stay in the outbox.
    give_up
        .run_until_cancelled(links::deliver(&worker, undelivered_links))
        .await;
    unacknowledged
}

fn bytes(deliveries: &[Delivery]) -> usize {
    deliveries.iter().map(|delivery| delivery.data.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(nth: usize) -> PendingLink {
        links::invented(nth)
    }

    fn received(queue: &mut mpsc::Receiver<Vec<PendingLink>>) -> Vec<PendingLink> {
        std::iter::from_fn(|| queue.try_recv().ok()).flatten().collect()
    }

    #[test]
    fn links_go_to_the_lane_of_their_new_proposal() {
        let (link_queues, mut queues) = LinkQueues::open(3);
        let links: Vec<_> = (0..100).map(link).collect();
        assert_eq!(link_queues.send(links.clone()), []);
        for (lane, queue) in queues.iter_mut().enumerate() {
            let expected: Vec<_> = links
                .iter()
                .filter(|link| of(link.new_insure_num.as_str(), 3) == lane)
                .cloned()
                .collect();
            assert!(!expected.is_empty());
            assert_eq!(received(queue), expected);
        }
    }

    #[test]
    fn links_for_a_full_lane_are_dropped_and_those_for_an_ended_lane_are_returned() {
        let (link_queues, mut queues) = LinkQueues::open(1);
        for nth in 0..BATCHES_WAITING + 5 {
            assert_eq!(link_queues.send(vec![link(nth)]), []);
        }
        assert_eq!(received(&mut queues[0]).len(), BATCHES_WAITING);
        queues.clear();
        assert_eq!(link_queues.send(vec![link(1), link(2)]), [link(1), link(2)]);
    }
}
