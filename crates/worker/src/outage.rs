//! Database outages: how long a session keeps its deliveries, and when it probes the database.
//!
//! In a short outage the deliveries stay unacknowledged. In a long one they are handed back, because a broker closes a
//! channel that acknowledges nothing for long (RabbitMQ: 30 minutes), and raises the delivery count of every message that
//! returns that way. No decision here gives up on a notice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use xiebao_amqp::Pacing;

use xiebao_store::Store;

use crate::probe;

const FIRST_PROBE_AFTER: Duration = Duration::from_millis(100);
const LONGEST_PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// One outage, from the moment a task first waited. Time and randomness are parameters.
#[derive(Debug)]
pub struct Outage {
    hand_back_at: Instant,
    probes: Pacing,
    /// Set once the deliveries are handed back.
    next_probe: Option<Instant>,
}

/// The next step in an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Do nothing before this moment.
    Wait(Instant),
    /// Return all unacknowledged deliveries to their queue.
    HandBack,
    /// Test if the database is back.
    Probe,
}

impl Outage {
    /// An outage that began `at` this moment, with the deliveries handed back after this time.
    pub fn began(at: Instant, hand_back_after: Duration) -> Self {
        Self {
            hand_back_at: at + hand_back_after,
            probes: Pacing::new(FIRST_PROBE_AFTER, LONGEST_PROBE_INTERVAL),
            next_probe: None,
        }
    }

    /// `random` is a number from 0 to 1 that spreads the probes of many workers.
    pub fn decide(&mut self, now: Instant, random: f64) -> Decision {
        let (due, decision) = match self.next_probe {
            None => (self.hand_back_at, Decision::HandBack),
            Some(next) => (next, Decision::Probe),
        };
        if now < due {
            return Decision::Wait(due);
        }
        self.next_probe = Some(now + self.probes.delay(random));
        decision
    }

    /// Sleeps until the next step. Dropped when the outage ends.
    async fn next(&mut self) -> Decision {
        loop {
            match self.decide(Instant::now(), rand::random()) {
                Decision::Wait(until) => sleep_until(until).await,
                decision => return decision,
            }
        }
    }
}

/// Counts the tasks that wait for the database.
#[derive(Debug, Clone)]
pub struct Waiters(Arc<watch::Sender<WaiterCounts>>);

#[derive(Debug, Default)]
struct WaiterCounts {
    waiting: usize,
    /// How many waiters have reached the database since the start.
    succeeded: u64,
}

/// A waiting task, counted for as long as this lives.
#[derive(Debug)]
pub struct Waiting {
    waiters: Waiters,
    counts: watch::Receiver<WaiterCounts>,
    /// The count of successes that this waiter has seen.
    succeeded: u64,
}

impl Default for Waiters {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(WaiterCounts::default())))
    }
}

impl Waiters {
    /// Counts the caller as waiting until the result is dropped.
    pub fn wait(&self) -> Waiting {
        self.0.send_modify(|counts| counts.waiting += 1);
        let counts = self.0.subscribe();
        let succeeded = counts.borrow().succeeded;
        Waiting {
            waiters: self.clone(),
            counts,
            succeeded,
        }
    }

    /// Tells if any task waits.
    pub fn any(&self) -> bool {
        self.0.borrow().waiting > 0
    }

    /// Resolves once at least one task has been waiting, without a break, for `hand_back_after`.
    pub async fn long_outage(&self, hand_back_after: Duration) -> LongOutage {
        let mut counts = self.0.subscribe();
        loop {
            // It cannot fail: the sender lives in `self`.
            let _ = counts.wait_for(|counts| counts.waiting > 0).await;
            let mut outage = Outage::began(Instant::now(), hand_back_after);
            tokio::select! {
                _ = outage.next() => return LongOutage { outage, _waiting: self.wait() },
                _ = counts.wait_for(|counts| counts.waiting == 0) => {}
            }
        }
    }
}

impl Waiting {
    /// Stops waiting and tells the others that the database works.
    pub fn succeeded(self) {
        self.waiters.0.send_modify(|counts| counts.succeeded += 1);
    }

    /// Resolves when another waiter succeeds: the database is back, so the caller can cut its pause short.
    pub async fn another_succeeded(&mut self) {
        let before = self.succeeded;
        // It cannot fail: the sender lives in `waiters`.
        if let Ok(counts) = self.counts.wait_for(|counts| counts.succeeded != before).await {
            self.succeeded = counts.succeeded;
        }
    }
}

/// An outage whose deliveries have been handed back, or are about to be.
#[derive(Debug)]
pub struct LongOutage {
    outage: Outage,
    _waiting: Waiting,
}

impl LongOutage {
    /// Probes until the database accepts writes. A small query alone would not do: a read-only server answers it.
    pub async fn until_over(mut self, store: &Store) {
        loop {
            self.outage.next().await;
            if probe::is_there(store).await && probe::succeeds(store).await {
                tracing::info!("the database is back");
                return;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.0.send_modify(|counts| counts.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(30);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// Simulates an hour, and returns every decision with its moment.
    fn an_hour(mut random: impl FnMut() -> f64) -> Vec<(Duration, Decision)> {
        let began = Instant::now();
        let (mut now, mut outage) = (began, Outage::began(began, BOUND));
        let mut decisions = Vec::new();
        while now - began < HOUR {
            match outage.decide(now, random()) {
                Decision::Wait(until) => {
                    assert!(until > now, "time goes on");
                    now = until;
                }
                decision => decisions.push((now - began, decision)),
            }
        }
        decisions
    }

    fn gaps(decisions: &[(Duration, Decision)]) -> Vec<Duration> {
        decisions.windows(2).map(|two| two[1].0 - two[0].0).collect()
    }

    #[test]
    fn in_an_hour_without_a_database_deliveries_are_handed_back_once_and_then_only_probes_follow() {
        for _ in 0..100 {
            let decisions = an_hour(rand::random);
            assert_eq!(decisions[0], (BOUND, Decision::HandBack));
            assert!(
                decisions[1..]
                    .iter()
                    .all(|(_, decision)| *decision == Decision::Probe)
            );
            assert!(gaps(&decisions).iter().all(|gap| *gap <= LONGEST_PROBE_INTERVAL));
            assert!((700..1_600).contains(&decisions.len()), "{}", decisions.len());
        }
    }

    #[test]
    fn the_intervals_between_probes_grow_up_to_a_bound() {
        let gaps = gaps(&an_hour(|| 1.0));
        assert!(gaps.is_sorted());
        assert_eq!(
            (gaps[0], gaps.last()),
            (FIRST_PROBE_AFTER, Some(&LONGEST_PROBE_INTERVAL))
        );
    }

    #[test]
    fn two_workers_do_not_probe_at_the_same_moments() {
        let (one, other) = (an_hour(rand::random), an_hour(rand::random));
        let same = one[1..].iter().filter(|probe| other[1..].contains(probe)).count();
        assert!(same < 5, "{same} of {}", one.len());
    }

    #[tokio::test]
    async fn a_waiter_learns_of_another_success_even_if_it_was_not_listening() {
        let waiters = Waiters::default();
        let (mut one, another) = (waiters.wait(), waiters.wait());
        let hears = async |one: &mut Waiting| {
            let moment = Duration::from_millis(100);
            tokio::time::timeout(moment, one.another_succeeded())
                .await
                .is_ok()
        };
        assert!(!hears(&mut one).await);
        another.succeeded();
        assert!(hears(&mut one).await);
        assert!(!hears(&mut one).await, "each success is seen once");
        drop(waiters.wait());
        assert!(!hears(&mut one).await, "giving up is no success");
        waiters.wait().succeeded();
        assert!(hears(&mut one).await);
    }

    #[tokio::test]
    async fn an_outage_that_ends_in_time_does_not_count_towards_the_next() {
        let (waiters, bound, moment) = (
            Waiters::default(),
            Duration::from_secs(3),
            Duration::from_millis(300),
        );
        let mut long = std::pin::pin!(waiters.long_outage(bound));
        let waiting = waiters.wait();
        assert!(tokio::time::timeout(moment, long.as_mut()).await.is_err());
        drop(waiting);
        assert!(tokio::time::timeout(moment, long.as_mut()).await.is_err());
        let (began, _waiting) = (Instant::now(), waiters.wait());
        long.await;
        assert!(began.elapsed() >= bound, "{:?}", began.elapsed());
    }
}
