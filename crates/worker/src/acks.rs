//! Acknowledgements by range: what is done with up to some delivery, in one message to the broker.
//!
//! The lanes finish deliveries in any order, and an acknowledgement of a range takes in everything before it. So one is
//! sent only up to the first delivery that is not done with; what is done with behind that waits a moment for the gap
//! to close, and is then acknowledged by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join_all;
use lapin::Channel;
use lapin::options::BasicAckOptions;
use tokio::sync::Mutex;

/// How long a gap may hold up what lies behind it, and at most twice as long.
const GAP_AT_MOST: Duration = Duration::from_millis(400);

/// Where acknowledgements go.
pub(crate) trait Answers {
    /// Acknowledges one delivery; `multiple`: and all before it.
    async fn ack(&self, tag: u64, multiple: bool);
}

impl Answers for Channel {
    /// One that is lost makes notices come again.
    async fn ack(&self, tag: u64, multiple: bool) {
        if let Err(error) = self.basic_ack(tag, BasicAckOptions { multiple }).await {
            tracing::debug!(error = %error, "an acknowledgement was lost; the notice will come again");
        }
    }
}

/// The acknowledgements of one channel, whose delivery tags count from 1. It is locked until what was worked out is sent:
/// the broker closes a channel that names a delivery which another acknowledgement has taken in meanwhile.
pub(crate) struct Acks<A> {
    channel: A,
    settled: Mutex<Settled>,
}

impl<A: Answers> Acks<A> {
    pub fn new(channel: A) -> Self {
        Self {
            channel,
            settled: Mutex::default(),
        }
    }

    /// These deliveries are done with and may be acknowledged.
    pub async fn settle(&self, tags: impl Iterator<Item = u64>) {
        let mut settled = self.settled.lock().await;
        settled.due.extend(tags.map(|tag| (tag, Waited::No)));
        self.send_range(&mut settled).await;
    }

    /// This delivery was answered for by itself, and that was sent.
    pub async fn answered(&self, tag: u64) {
        let mut settled = self.settled.lock().await;
        settled.answered.insert(tag);
        self.send_range(&mut settled).await;
    }

    async fn send_range(&self, settled: &mut Settled) {
        if let Some(last) = settled.range() {
            self.channel.ack(last, true).await;
        }
    }

    /// For as long as the session lasts.
    pub async fn keep_sweeping(&self) -> Infallible {
        loop {
            tokio::time::sleep(GAP_AT_MOST).await;
            self.sweep().await;
        }
    }

    /// Acknowledges what has waited since the last sweep.
    async fn sweep(&self) {
        let mut settled = self.settled.lock().await;
        let waiting = settled.sweep();
        join_all(waiting.into_iter().map(|tag| self.channel.ack(tag, false))).await;
    }

    /// Acknowledges all that is done with: the session is over.
    pub async fn finish(&self) {
        self.sweep().await;
        self.sweep().await;
    }
}

/// Which deliveries are done with.
#[derive(Debug, Default)]
struct Settled {
    /// All up to this one are.
    through: u64,
    /// Of the others: to be acknowledged.
    due: BTreeMap<u64, Waited>,
    /// Of the others: answered for.
    answered: BTreeSet<u64>,
}

/// Whether a delivery was due at the last sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    No,
    Yes,
}

impl Settled {
    /// The delivery up to which all can be acknowledged now, if there is anything new. It is one that the broker still
    /// waits for: it knows no others.
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

    /// What has waited since the last sweep.
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

    fn settled(tags: impl IntoIterator<Item = u64>) -> Settled {
        Settled {
            due: tags.into_iter().map(|tag| (tag, Waited::No)).collect(),
            ..Settled::default()
        }
    }

    #[test]
    fn a_range_ends_before_the_first_that_is_not_done_with() {
        let mut settled = settled([1, 2, 4]);
        assert_eq!(settled.range(), Some(2));
        assert_eq!(settled.range(), None);
        settled.due.insert(3, Waited::No);
        assert_eq!(settled.range(), Some(4));
    }

    #[test]
    fn a_range_ends_with_a_delivery_that_the_broker_waits_for() {
        let mut settled = settled([1, 2]);
        settled.answered.insert(3);
        assert_eq!(settled.range(), Some(2));
        settled.answered.insert(4);
        assert_eq!(settled.range(), None);
        assert_eq!(settled.through, 4);
    }

    #[test]
    fn what_a_gap_holds_up_goes_by_itself_at_the_second_sweep() {
        let mut settled = settled([2, 3]);
        assert_eq!(settled.range(), None);
        assert!(settled.sweep().is_empty());
        settled.due.insert(5, Waited::No);
        assert_eq!(settled.sweep(), [2, 3]);
        settled.due.insert(1, Waited::No);
        // Not 3, which the broker no longer waits for.
        assert_eq!(settled.range(), Some(1));
        assert_eq!(settled.sweep(), [5]);
    }

    /// Takes acknowledgements in the order in which they come to it, some later than others, as a broker does: what
    /// it does not wait for is an error that would end the channel.
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

    impl Answers for &Broker {
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
                "{tag} takes in what is not done with"
            );
            *self.messages.lock().expect("no panic") += 1;
        }
    }

    /// Lanes that finish in any order beside each other, some deliveries answered for by themselves, sweeps between.
    async fn lanes_finish(seed: u64) -> usize {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut tags: Vec<u64> = (1..=200).collect();
        tags.shuffle(&mut chance);
        let broker = Broker::default();
        broker.hand_out(1..=200);
        let acks = Acks::new(&broker);
        let batches: Vec<_> = tags
            .chunks(chance.random_range(1..40))
            .map(<[_]>::to_vec)
            .collect();
        let work = batches.into_iter().enumerate().map(|(nth, batch)| {
            let (acks, broker) = (&acks, &broker);
            async move {
                for _ in 0..nth % 7 {
                    tokio::task::yield_now().await;
                }
                broker.done.lock().expect("no panic").extend(&batch);
                let (alone, together): (Vec<_>, Vec<_>) = batch.into_iter().partition(|tag| tag % 11 == 0);
                acks.settle(together.into_iter()).await;
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
            acks.settle(first..first + 100).await;
        }
        assert_eq!(*broker.messages.lock().expect("no panic"), 10);
    }
}
