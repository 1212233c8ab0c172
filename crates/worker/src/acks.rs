//! Acknowledgements by range: what is done with up to some delivery, in one message to the broker.
//!
//! The lanes finish deliveries in any order, and an acknowledgement of a range takes in everything before it. So one is
//! sent only up to the first delivery that is not done with; what is done with behind that waits a moment for the gap
//! to close, and is then acknowledged by itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::Channel;
use lapin::options::BasicAckOptions;

/// How long a gap may hold up what lies behind it, and at most twice as long.
const GAP_AT_MOST: Duration = Duration::from_millis(100);

/// The acknowledgements of one channel, whose delivery tags count from 1.
pub struct Acks {
    channel: Channel,
    settled: Mutex<Settled>,
}

impl Acks {
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            settled: Mutex::default(),
        }
    }

    /// These deliveries are done with and may be acknowledged.
    pub async fn settle(&self, tags: impl Iterator<Item = u64>) {
        let range = {
            let mut settled = self.settled();
            tags.for_each(|tag| settled.add(tag, State::Due { swept: false }));
            settled.range()
        };
        self.send(range, true).await;
    }

    /// This delivery was answered by itself.
    pub async fn answered(&self, tag: u64) {
        let range = {
            let mut settled = self.settled();
            settled.add(tag, State::Answered);
            settled.range()
        };
        self.send(range, true).await;
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
        let waiting = self.settled().sweep();
        self.send(waiting, false).await;
    }

    /// Acknowledges all that is done with: the session is over.
    pub async fn finish(&self) {
        self.sweep().await;
        self.sweep().await;
    }

    /// An acknowledgement that is lost makes notices come again.
    async fn send(&self, tags: impl IntoIterator<Item = u64>, multiple: bool) {
        for tag in tags {
            if let Err(error) = self.channel.basic_ack(tag, BasicAckOptions { multiple }).await {
                tracing::debug!(error = %error, "an acknowledgement was lost; its notices will come again");
                return;
            }
        }
    }

    fn settled(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which deliveries are done with.
#[derive(Debug, Default)]
struct Settled {
    /// All up to this one are.
    through: u64,
    /// The others that are.
    beyond: BTreeMap<u64, State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be acknowledged; `swept`: it was waiting at the last sweep.
    Due {
        swept: bool,
    },
    Answered,
}

impl Settled {
    fn add(&mut self, tag: u64, state: State) {
        self.beyond.insert(tag, state);
    }

    /// The delivery up to which all can be acknowledged now, if there is anything new. It is one that the broker still
    /// waits for: it knows no others.
    fn range(&mut self) -> Option<u64> {
        let mut last_due = None;
        while let Some(state) = self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
            if let State::Due { .. } = state {
                last_due = Some(self.through);
            }
        }
        last_due
    }

    /// What has waited since the last sweep.
    fn sweep(&mut self) -> Vec<u64> {
        let mut waiting = Vec::new();
        for (tag, state) in &mut self.beyond {
            match state {
                State::Due { swept: true } => {
                    waiting.push(*tag);
                    *state = State::Answered;
                }
                State::Due { swept } => *swept = true,
                State::Answered => {}
            }
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use rand::seq::SliceRandom;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    const DUE: State = State::Due { swept: false };

    fn settled(tags: impl IntoIterator<Item = u64>) -> Settled {
        let mut settled = Settled::default();
        tags.into_iter().for_each(|tag| settled.add(tag, DUE));
        settled
    }

    #[test]
    fn a_range_ends_before_the_first_that_is_not_done_with() {
        let mut settled = settled([1, 2, 4]);
        assert_eq!(settled.range(), Some(2));
        assert_eq!(settled.range(), None);
        settled.add(3, DUE);
        assert_eq!(settled.range(), Some(4));
    }

    #[test]
    fn a_range_ends_with_a_delivery_that_the_broker_waits_for() {
        let mut settled = settled([1, 2]);
        settled.add(3, State::Answered);
        assert_eq!(settled.range(), Some(2));
        settled.add(4, State::Answered);
        assert_eq!(settled.range(), None);
    }

    #[test]
    fn what_a_gap_holds_up_goes_by_itself_at_the_second_sweep() {
        let mut settled = settled([2, 3]);
        assert_eq!(settled.range(), None);
        assert!(settled.sweep().is_empty());
        settled.add(5, DUE);
        assert_eq!(settled.sweep(), [2, 3]);
        settled.add(1, DUE);
        // Not 3, which the broker no longer waits for.
        assert_eq!(settled.range(), Some(1));
        assert_eq!(settled.sweep(), [5]);
    }

    /// Whatever the order, everything is acknowledged once, and nothing that is not done with.
    #[test]
    fn everything_is_acknowledged_once() {
        for seed in 0..500 {
            let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let mut tags: Vec<u64> = (1..=40).collect();
            tags.shuffle(&mut chance);
            let (mut settled, mut done, mut acknowledged) = (Settled::default(), vec![], vec![]);
            let mut waited_for: Vec<u64> = (1..=40).collect();
            for tag in tags {
                done.push(tag);
                let answered = chance.random_bool(0.1);
                if answered {
                    waited_for.retain(|other| *other != tag);
                }
                settled.add(tag, if answered { State::Answered } else { DUE });
                if let Some(last) = settled.range() {
                    assert!(waited_for.contains(&last), "the broker does not know {last}");
                    acknowledged.extend(waited_for.extract_if(.., |other| *other <= last));
                }
                if chance.random_bool(0.3) {
                    let swept = settled.sweep();
                    assert!(swept.iter().all(|tag| waited_for.contains(tag)));
                    waited_for.retain(|tag| !swept.contains(tag));
                    acknowledged.extend(swept);
                }
                assert!(acknowledged.iter().all(|tag| done.contains(tag)));
            }
            assert!(waited_for.is_empty(), "seed {seed}: {waited_for:?} left");
        }
    }
}
