//! Acknowledges ranges of deliveries in one message to the broker.
//!
//! Lanes finish deliveries in any order, and an acknowledgement with `multiple` covers every earlier delivery. So a range
//! ends before the first unfinished delivery. Finished deliveries after such a gap wait a moment for it to close, and are
//! then acknowledged one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join_all;
use lapin::Channel;
use lapin::options::BasicAckOptions;
use tokio::sync::Mutex;

/// A delivery after a gap waits at least this long and at most twice as long.
const GAP_AT_MOST: Duration = Duration::from_millis(400);

/// Sends acknowledgements; a channel, except in tests.
pub(crate) trait AckSender {
    /// Acknowledges one delivery, and with `multiple` all before it.
    async fn ack(&self, tag: u64, multiple: bool);
}

impl AckSender for Channel {
    /// If it is lost, the broker redelivers the notices.
    async fn ack(&self, tag: u64, multiple: bool) {
        if let Err(error) = self.basic_ack(tag, BasicAckOptions { multiple }).await {
            tracing::debug!(error = %error, "an acknowledgement was lost; the notice will be redelivered");
        }
    }
}

/// The acknowledgements of one channel, whose delivery tags count from 1. The state stays locked until the message that it
/// calls for is sent: the broker closes a channel that acknowledges a delivery twice.
pub(crate) struct Acks<A> {
    channel: A,
    finished: Mutex<Finished>,
}

impl<A: AckSender> Acks<A> {
    pub fn new(channel: A) -> Self {
        Self {
            channel,
            finished: Mutex::default(),
        }
    }

    /// Acknowledges these deliveries as soon as no earlier one is unfinished, at the latest in a sweep.
    pub async fn ack_in_ranges(&self, tags: impl Iterator<Item = u64>) {
        let mut finished = self.finished.lock().await;
        finished.due.extend(tags.map(|tag| (tag, Waited::No)));
        self.send_range(&mut finished).await;
    }

    /// Records that this delivery was acknowledged or rejected one by one, so that it no longer ends a range.
    pub async fn answered(&self, tag: u64) {
        let mut finished = self.finished.lock().await;
        finished.answered.insert(tag);
        self.send_range(&mut finished).await;
    }

    async fn send_range(&self, finished: &mut Finished) {
        if let Some(last) = finished.range() {
            self.channel.ack(last, true).await;
        }
    }

    /// Sweeps for as long as the session lasts.
    pub async fn keep_sweeping(&self) -> Infallible {
        loop {
            tokio::time::sleep(GAP_AT_MOST).await;
            self.sweep().await;
        }
    }

    /// Acknowledges the deliveries that have waited since the last sweep, one by one.
    async fn sweep(&self) {
        let mut finished = self.finished.lock().await;
        let waiting = finished.sweep();
        join_all(waiting.into_iter().map(|tag| self.channel.ack(tag, false))).await;
    }

    /// Acknowledges every finished delivery, at the end of the session.
    pub async fn finish(&self) {
        self.sweep().await;
        self.sweep().await;
    }
}

/// The finished deliveries of a channel.
#[derive(Debug, Default)]
struct Finished {
    /// Every delivery up to this tag is answered.
    through: u64,
    /// Later tags that are finished and not acknowledged.
    due: BTreeMap<u64, Waited>,
    /// Later tags that are answered.
    answered: BTreeSet<u64>,
}

/// Tells if a delivery was already due at the last sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    No,
    Yes,
}

impl Finished {
    /// The tag up to which every delivery can be acknowledged now; `None` if there is nothing new. It is never the tag of
    /// an answered delivery, which the broker would not know.
    fn range(&mut self) -> Option<u64> {
        let mut last_due = None;
        loop {
            let next = self.through + 1;
            if self.due.remove(&next).is_some() {
                last_due = Some(next);
            } else if !self.answered.remove(&next) {
                return last_due;
            }
            self.through = next;
        }
    }

    /// Removes and returns the tags that have waited since the last sweep.
    fn sweep(&mut self) -> Vec<u64> {
        let waiting: Vec<u64> = self
            .due
            .extract_if(.., |_, waited| *waited == Waited::Yes)
            .map(|(tag, _)| tag)
            .collect();
        self.answered.extend(&waiting);
        self.due.values_mut().for_each(|waited| *waited = Waited::Yes);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Locked;

    use rand::seq::SliceRandom;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn finished(tags: impl IntoIterator<Item = u64>) -> Finished {
        Finished {
            due: tags.into_iter().map(|tag| (tag, Waited::No)).collect(),
            ..Finished::default()
        }
    }

    #[test]
    fn a_range_ends_before_the_first_unfinished_delivery() {
        let mut finished = finished([1, 2, 4]);
        assert_eq!(finished.range(), Some(2));
        assert_eq!(finished.range(), None);
        finished.due.insert(3, Waited::No);
        assert_eq!(finished.range(), Some(4));
    }

    #[test]
    fn a_range_ends_with_a_delivery_that_the_broker_waits_for() {
        let mut finished = finished([1, 2]);
        finished.answered.insert(3);
        assert_eq!(finished.range(), Some(2));
        finished.answered.insert(4);
        assert_eq!(finished.range(), None);
        assert_eq!(finished.through, 4);
    }

    #[test]
    fn deliveries_after_a_gap_are_acknowledged_one_by_one_at_the_second_sweep() {
        let mut finished = finished([2, 3]);
        assert_eq!(finished.range(), None);
        assert!(finished.sweep().is_empty());
        finished.due.insert(5, Waited::No);
        assert_eq!(finished.sweep(), [2, 3]);
        finished.due.insert(1, Waited::No);
        // Not 3, which the broker no longer waits for.
        assert_eq!(finished.range(), Some(1));
        assert_eq!(finished.sweep(), [5]);
    }

    /// A broker that receives acknowledgements in any order, some later than others. Acknowledging a delivery that it does
    /// not wait for is an error, which would close the channel.
    #[derive(Default)]
    struct Broker {
        waits_for: Locked<BTreeSet<u64>>,
        done: Locked<BTreeSet<u64>>,
        messages: Locked<usize>,
    }

    impl Broker {
        fn hand_out(&self, tags: impl Iterator<Item = u64>) {
            self.waits_for.lock().expect("no panic").extend(tags);
        }
    }

    impl AckSender for &Broker {
        async fn ack(&self, tag: u64, multiple: bool) {
            for _ in 0..tag % 5 {
                tokio::task::yield_now().await;
            }
            let mut waits_for = self.waits_for.lock().expect("no panic");
            assert!(waits_for.contains(&tag), "the broker does not wait for {tag}");
            let first = if multiple { 0 } else { tag };
            let taken: Vec<u64> = waits_for.extract_if(first..=tag, |_| true).collect();
            let done = self.done.lock().expect("no panic");
            assert!(
                taken.iter().all(|tag| done.contains(tag)),
                "{tag} covers an unfinished delivery"
            );
            *self.messages.lock().expect("no panic") += 1;
        }
    }

    /// Lanes that finish concurrently in any order, with some deliveries answered one by one and sweeps in between. Returns
    /// the number of messages sent.
    async fn lanes_finish(seed: u64) -> usize {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut tags: Vec<u64> = (1..=200).collect();
        tags.shuffle(&mut rng);
        let broker = Broker::default();
        broker.hand_out(1..=200);
        let acks = Acks::new(&broker);
        let batches: Vec<_> = tags.chunks(rng.random_range(1..40)).map(<[_]>::to_vec).collect();
        let work = batches.into_iter().enumerate().map(|(nth, batch)| {
            let (acks, broker) = (&acks, &broker);
            async move {
                for _ in 0..nth % 7 {
                    tokio::task::yield_now().await;
                }
                broker.done.lock().expect("no panic").extend(&batch);
                let (alone, together): (Vec<_>, Vec<_>) = batch.into_iter().partition(|tag| tag % 11 == 0);
                acks.ack_in_ranges(together.into_iter()).await;
                for tag in alone {
                    acks.channel.ack(tag, false).await;
                    acks.answered(tag).await;
                }
                if nth % 3 == 0 {
                    acks.sweep().await;
                }
            }
        });
        join_all(work).await;
        acks.finish().await;
        let left = broker.waits_for.lock().expect("no panic").len();
        assert_eq!(left, 0, "seed {seed}");
        *broker.messages.lock().expect("no panic")
    }

    #[tokio::test]
    async fn everything_is_acknowledged_once_whatever_the_order() {
        for seed in 0..300 {
            lanes_finish(seed).await;
        }
    }

    #[tokio::test]
    async fn batches_in_order_take_one_message_each() {
        let broker = Broker::default();
        broker.hand_out(1..=1_000);
        broker.done.lock().expect("no panic").extend(1..=1_000);
        let acks = Acks::new(&broker);
        for first in (1..1_000).step_by(100) {
            acks.ack_in_ranges(first..first + 100).await;
        }
        assert_eq!(*broker.messages.lock().expect("no panic"), 10);
    }
}
