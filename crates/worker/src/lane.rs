//! Lanes: batches side by side, each of proposals that only it has.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use lapin::Channel;
use lapin::message::Delivery;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::header;

use crate::acks::Acks;
use crate::batch::Incoming;
use crate::consumer::text_header;
use crate::{Worker, links, pipeline};
use xiebao_store::sql::links::PendingLink;

/// Batches whose links wait for one lane, at most. The links of further ones are left to the sweeper.
const BATCHES_WAITING: usize = 64;

/// Notices of one proposal go to one lane, and so do the links that lead to it: lanes seldom wait for each other's locks.
/// Correctness does not depend on it: other workers know nothing of these lanes.
pub(crate) fn of_delivery(delivery: &Delivery, lanes: usize) -> usize {
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

/// The way of links to the lanes.
#[derive(Debug, Clone)]
struct LinkQueues(Arc<[mpsc::Sender<Vec<PendingLink>>]>);

impl LinkQueues {
    fn open(lanes: usize) -> (Self, Vec<mpsc::Receiver<Vec<PendingLink>>>) {
        let (senders, receivers) = (0..lanes).map(|_| mpsc::channel(BATCHES_WAITING)).unzip();
        (Self(Vec::into(senders)), receivers)
    }

    /// Gives each link to the lane of its new proposal, and returns those whose lane has ended. What a lane has no room for
    /// lies in the outbox.
    fn give(&self, links: Vec<PendingLink>) -> Vec<PendingLink> {
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

/// What the lanes of a session share.
#[derive(Clone)]
struct Shared {
    worker: Arc<Worker>,
    acks: Arc<Acks<Channel>>,
    links: LinkQueues,
    shutdown: CancellationToken,
    /// Cancelled when the lanes are to let go of what they are at.
    let_go: CancellationToken,
}

/// The lanes of a session, each of which ends with what it has not acknowledged.
pub(crate) fn open(
    worker: &Arc<Worker>,
    acks: &Arc<Acks<Channel>>,
    shutdown: &CancellationToken,
    let_go: &CancellationToken,
) -> (Vec<mpsc::Sender<Delivery>>, JoinSet<Vec<Delivery>>) {
    let (links, queues) = LinkQueues::open(worker.settings.lanes);
    let shared = Shared {
        worker: Arc::clone(worker),
        acks: Arc::clone(acks),
        links,
        shutdown: shutdown.clone(),
        let_go: let_go.clone(),
    };
    let mut lanes = JoinSet::new();
    let open_one = |links| {
        let (sender, deliveries) = mpsc::channel(usize::from(worker.settings.prefetch).max(1));
        lanes.spawn(run(shared.clone(), Incoming { deliveries, links }));
        sender
    };
    let senders = queues.into_iter().map(open_one).collect();
    (senders, lanes)
}

/// Batches at work, one after the other; what it has not acknowledged at its end.
async fn run(shared: Shared, mut incoming: Incoming) -> Vec<Delivery> {
    let Shared {
        worker,
        acks,
        links,
        shutdown,
        let_go,
    } = shared;
    let (most, wait) = (worker.settings.batch_size, worker.settings.batch_wait);
    let (mut left, mut untold) = (Vec::new(), Vec::new());
    while let Some(Some(batch)) = shutdown.run_until_cancelled(incoming.next(most, wait)).await {
        if let_go.is_cancelled() {
            left.extend(batch.deliveries);
            continue;
        }
        let size = batch.deliveries.len();
        let (undone, found) = pipeline::process(&worker, &acks, batch, &let_go).await;
        let done = i64::try_from(size - undone.len()).unwrap_or(i64::MAX);
        worker.metrics.in_hand.dec_by(done);
        left.extend(undone);
        untold.extend(links.give(found));
    }
    untold.extend(incoming.last_links().await);
    // What is given up lies in the outbox.
    let_go.run_until_cancelled(links::deliver(&worker, untold)).await;
    left
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
        let (ways, mut queues) = LinkQueues::open(3);
        let links: Vec<_> = (0..100).map(link).collect();
        assert_eq!(ways.give(links.clone()), []);
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
    fn a_full_lane_is_passed_over_and_one_that_has_ended_is_told_of() {
        let (ways, mut queues) = LinkQueues::open(1);
        for nth in 0..BATCHES_WAITING + 5 {
            assert_eq!(ways.give(vec![link(nth)]), []);
        }
        assert_eq!(received(&mut queues[0]).len(), BATCHES_WAITING);
        queues.clear();
        assert_eq!(ways.give(vec![link(1), link(2)]), [link(1), link(2)]);
    }
}
