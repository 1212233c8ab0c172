//! Posts the letters: as fast as the connections go, or at a rate, and again what was not acknowledged.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::schedule::Sending;
use super::tally::RequestCounts;
use super::wire::Letter;
use crate::http::{Answer, Client, PostError, Target};
use crate::platform::ResendRule;

const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// How to post.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Connections that are kept open.
    pub connections: usize,
    /// Notices a second; `None`: as fast as it goes.
    pub rate: Option<f64>,
    /// The rule by which unacknowledged notices are sent again.
    pub rule: ResendRule,
}

/// A run of requests, while it lasts and after.
pub struct Load {
    letters: Vec<Letter>,
    sendings: Vec<Sending>,
    pace: Pace,
    start: Instant,
    /// The next sending that nobody has made yet.
    next: AtomicUsize,
    /// Letters that the platform sends again now.
    again: Mutex<VecDeque<Turn>>,
    /// A permit for every request that is due; closed when nothing is left to do.
    turns: Semaphore,
    unsettled: AtomicUsize,
    acks: Vec<AtomicU32>,
    tally: Mutex<RequestCounts>,
}

/// One request that is due.
#[derive(Debug, Clone, Copy)]
struct Turn {
    sending: Sending,
    /// This one included.
    tries: u32,
    /// Latency counts from here, so that a receiver that stalls pays for what it kept waiting.
    due: Instant,
}

impl Load {
    /// A load that posts these letters in this order.
    pub fn new(letters: Vec<Letter>, sendings: Vec<Sending>, pace: Pace) -> Arc<Self> {
        Arc::new(Self {
            next: AtomicUsize::new(0),
            again: Mutex::default(),
            turns: Semaphore::new(0),
            unsettled: AtomicUsize::new(sendings.len()),
            acks: letters.iter().map(|_| AtomicU32::new(0)).collect(),
            tally: Mutex::default(),
            start: Instant::now(),
            letters,
            sendings,
            pace,
        })
    }

    /// Posts everything; ends when all of it is acknowledged or given up. Connections are dealt out to the targets.
    pub async fn run(self: &Arc<Self>, targets: &[Target]) {
        if self.sendings.is_empty() {
            return;
        }
        let mut tasks = JoinSet::new();
        for target in targets.iter().cycle().take(self.pace.connections.max(1)) {
            let (load, client) = (Arc::clone(self), Client::new(target.clone()));
            tasks.spawn(async move { load.serve(client).await });
        }
        match self.pace.rate {
            Some(rate) => {
                let load = Arc::clone(self);
                tasks.spawn(async move { load.release_at(rate).await });
            }
            None => self.turns.add_permits(self.sendings.len()),
        }
        tasks.join_all().await;
    }

    /// When it began.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// How many requests the schedule has.
    pub fn sendings(&self) -> usize {
        self.sendings.len()
    }

    /// The letters.
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// The counts so far.
    pub fn tally(&self) -> MutexGuard<'_, RequestCounts> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often each letter was acknowledged.
    pub fn acks(&self, letter: usize) -> u32 {
        self.acks[letter].load(Ordering::Relaxed)
    }

    async fn serve(self: Arc<Self>, mut client: Client) {
        while let Some(turn) = self.next_turn().await {
            let letter = &self.letters[turn.sending.letter];
            let body = match &letter.twin {
                Some(twin) if turn.sending.twin => twin,
                _ => &letter.body,
            };
            let outcome = client.post(body, letter.content_type).await;
            let now = Instant::now();
            let acknowledged = self.record(&outcome, turn, now);
            self.settle(turn, acknowledged);
            if matches!(outcome, Err(PostError::Connect(_))) {
                // A receiver that is away refuses quickly: without this, its connections would take most of the load.
                sleep(AFTER_REFUSAL).await;
            }
        }
    }

    fn record(&self, outcome: &Result<Answer, PostError>, turn: Turn, now: Instant) -> bool {
        let mut tally = self.tally();
        // Afterwards there are only those who wait to be sent again, and pauses of the platform's own making.
        if self.next.load(Ordering::Relaxed) < self.sendings.len() {
            tally.watch_gap(now);
        }
        tally.record(outcome, now.saturating_duration_since(turn.due), now)
    }

    async fn next_turn(&self) -> Option<Turn> {
        self.turns.acquire().await.ok()?.forget();
        if let Some(turn) = self.queue().pop_front() {
            return Some(turn);
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let sending = *self.sendings.get(index)?;
        let due = match self.pace.rate {
            Some(rate) => self.start + Duration::from_secs_f64(index as f64 / rate),
            None => Instant::now(),
        };
        Some(Turn {
            sending,
            tries: 1,
            due,
        })
    }

    fn settle(self: &Arc<Self>, turn: Turn, acknowledged: bool) {
        if acknowledged {
            self.acks[turn.sending.letter].fetch_add(1, Ordering::Relaxed);
        } else if let Some(delay) = self.pace.rule.delay_after(turn.tries) {
            let load = Arc::clone(self);
            tokio::spawn(async move { load.send_again(turn, delay).await });
            return;
        } else {
            self.tally().given_up += 1;
        }
        if self.unsettled.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.turns.close();
        }
    }

    async fn send_again(&self, turn: Turn, delay: Duration) {
        sleep(delay).await;
        self.tally().resent += 1;
        self.queue().push_back(Turn {
            tries: turn.tries + 1,
            due: Instant::now(),
            ..turn
        });
        self.turns.add_permits(1);
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Turn>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever the receiver does: the platform doesn't wait for one answer before it sends the next notice.
    async fn release_at(&self, rate: f64) {
        let mut released = 0;
        while released < self.sendings.len() {
            let due = (self.start.elapsed().as_secs_f64() * rate) as usize + 1;
            let due = due.min(self.sendings.len());
            self.turns.add_permits(due.saturating_sub(released));
            released = due.max(released);
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[cfg(test)]
mod tests;
