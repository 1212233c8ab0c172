//! The database is away: what a session does with what it holds, and when it asks again.
//!
//! A short outage is sat out with the deliveries unacknowledged. In a long one they are handed back, because a broker
//! closes a channel that acknowledges nothing for long (RabbitMQ: 30 minutes), and counts it against every message
//! that came back that way. There is no decision here that gives up on a notice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use xiebao_runtime::amqp::Pacing;

use crate::{Worker, probe};

const FIRST_PROBE_AFTER: Duration = Duration::from_millis(100);
const PROBES_AT_MOST_APART: Duration = Duration::from_secs(5);

/// One outage, from the moment that somebody first waited. Time and chance are given to it.
#[derive(Debug)]
pub struct Outage {
    hand_back_at: Instant,
    probes: Pacing,
    /// Set once what was held is handed back.
    next_probe: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing before this moment.
    Wait(Instant),
    /// Everything that is held goes back to its queue.
    HandBack,
    /// See whether the database is back.
    Probe,
}

impl Outage {
    pub fn began(at: Instant, hand_back_after: Duration) -> Self {
        Self {
            hand_back_at: at + hand_back_after,
            probes: Pacing::new(FIRST_PROBE_AFTER, PROBES_AT_MOST_APART),
            next_probe: None,
        }
    }

    /// `draw`: a random number from 0 to 1, so that many workers don't ask at the same moment.
    pub fn decide(&mut self, now: Instant, draw: f64) -> Decision {
        let (due, decision) = match self.next_probe {
            None => (self.hand_back_at, Decision::HandBack),
            Some(next) => (next, Decision::Probe),
        };
        if now < due {
            return Decision::Wait(due);
        }
        self.next_probe = Some(now + self.probes.delay(draw));
        decision
    }

    /// Sits the outage out up to the next thing to do; whatever ends the outage drops this.
    async fn next(&mut self) -> Decision {
        loop {
            match self.decide(Instant::now(), rand::random()) {
                Decision::Wait(until) => sleep_until(until).await,
                decision => return decision,
            }
        }
    }
}

/// Those who wait for the database, counted.
#[derive(Debug, Clone)]
pub struct Waiters(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    /// How many have got through.
    through: u64,
}

/// One of them, for as long as this lives.
#[derive(Debug)]
pub struct Waiting {
    among: Waiters,
    state: watch::Receiver<State>,
    /// How many had got through when it was last looked.
    through: u64,
}

impl Default for Waiters {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Waiters {
    pub fn wait(&self) -> Waiting {
        self.0.send_modify(|state| state.waiting += 1);
        let state = self.0.subscribe();
        let through = state.borrow().through;
        Waiting {
            among: self.clone(),
            state,
            through,
        }
    }

    pub fn any(&self) -> bool {
        self.0.borrow().waiting > 0
    }

    /// Resolves when somebody has been waiting without a break for so long that what is held is to be handed back.
    pub async fn long_outage(&self, hand_back_after: Duration) -> LongOutage {
        let mut state = self.0.subscribe();
        loop {
            // The sender lives in `self`.
            let _ = state.wait_for(|state| state.waiting > 0).await;
            let mut outage = Outage::began(Instant::now(), hand_back_after);
            tokio::select! {
                _ = outage.next() => return LongOutage { outage, _waiting: self.wait() },
                _ = state.wait_for(|state| state.waiting == 0) => {}
            }
        }
    }
}

impl Waiting {
    /// It waits no longer, for it has got through.
    pub fn is_through(self) {
        self.among.0.send_modify(|state| state.through += 1);
    }

    /// Resolves when another has got through: the database is back, and a pause need not be sat out.
    pub async fn another_is_through(&mut self) {
        let before = self.through;
        // The sender lives in `among`.
        if let Ok(state) = self.state.wait_for(|state| state.through != before).await {
            self.through = state.through;
        }
    }
}

/// An outage in which nothing is held any more.
#[derive(Debug)]
pub struct LongOutage {
    outage: Outage,
    _waiting: Waiting,
}

impl LongOutage {
    /// Probes until the database takes what it is given. A small question alone would not do: a read-only server
    /// answers it.
    pub async fn until_over(mut self, worker: &Worker) {
        loop {
            self.outage.next().await;
            if probe::is_there(worker).await && probe::succeeds(worker).await {
                tracing::info!("the database is back");
                return;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.among.0.send_modify(|state| state.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(30);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// Lives through an hour by a clock of its own: every decision with its moment.
    fn an_hour(mut draw: impl FnMut() -> f64) -> Vec<(Duration, Decision)> {
        let began = Instant::now();
        let (mut now, mut outage) = (began, Outage::began(began, BOUND));
        let mut decisions = Vec::new();
        while now - began < HOUR {
            match outage.decide(now, draw()) {
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
    fn in_an_hour_without_a_database_everything_is_handed_back_once_and_then_only_asked() {
        for _ in 0..100 {
            let decisions = an_hour(rand::random);
            assert_eq!(decisions[0], (BOUND, Decision::HandBack));
            assert!(
                decisions[1..]
                    .iter()
                    .all(|(_, decision)| *decision == Decision::Probe)
            );
            assert!(gaps(&decisions).iter().all(|gap| *gap <= PROBES_AT_MOST_APART));
            assert!((700..1_600).contains(&decisions.len()), "{}", decisions.len());
        }
    }

    #[test]
    fn probes_come_at_growing_distances_up_to_a_bound() {
        let gaps = gaps(&an_hour(|| 1.0));
        assert!(gaps.is_sorted());
        assert_eq!(
            (gaps[0], gaps.last()),
            (FIRST_PROBE_AFTER, Some(&PROBES_AT_MOST_APART))
        );
    }

    #[test]
    fn two_workers_do_not_ask_at_the_same_moments() {
        let (one, other) = (an_hour(rand::random), an_hour(rand::random));
        let same = one[1..].iter().filter(|probe| other[1..].contains(probe)).count();
        assert!(same < 5, "{same} of {}", one.len());
    }

    #[tokio::test]
    async fn who_waits_hears_of_another_that_got_through_even_if_it_was_not_listening() {
        let waiters = Waiters::default();
        let (mut one, another) = (waiters.wait(), waiters.wait());
        let hears = async |one: &mut Waiting| {
            let moment = Duration::from_millis(100);
            tokio::time::timeout(moment, one.another_is_through())
                .await
                .is_ok()
        };
        assert!(!hears(&mut one).await);
        another.is_through();
        assert!(hears(&mut one).await);
        assert!(!hears(&mut one).await, "that is heard once");
        drop(waiters.wait());
        assert!(!hears(&mut one).await, "one that gave up is no news");
        waiters.wait().is_through();
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
