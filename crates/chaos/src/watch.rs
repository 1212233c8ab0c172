//! Polls the readiness of all services, and notes which of them needed manual help.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::environment::Environment;
use crate::kind::{FaultTarget, Role};
use crate::plan::Fault;
use crate::programs::Program;

const EVERY: Duration = Duration::from_millis(50);
/// A later answer counts as none.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A service that is not ready for this long, while no fault concerns it, needs manual help.
pub const READY_WITHIN: Duration = Duration::from_secs(60);

/// The active faults.
#[derive(Debug, Default)]
pub struct ActiveFaults {
    active: Mutex<BTreeMap<usize, Fault>>,
    begun: AtomicUsize,
}

impl ActiveFaults {
    pub fn begin(&self, fault: &Fault) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.active().insert(fault.number, fault.clone());
    }

    /// Returns `true` if no other fault is active.
    pub fn end(&self, fault: &Fault) -> bool {
        let mut active = self.active();
        active.remove(&fault.number);
        active.is_empty()
    }

    /// The number of faults begun so far.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn concerns(&self, program: &Program) -> bool {
        self.active()
            .values()
            .any(|fault| concerns(fault, program.role, program.which))
    }

    fn active(&self) -> MutexGuard<'_, BTreeMap<usize, Fault>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn concerns(fault: &Fault, role: Role, which: usize) -> bool {
    let owner = match fault.kind.target {
        FaultTarget::Process(Role::Broker) => return true,
        FaultTarget::Process(Role::Database) => Role::Worker,
        FaultTarget::Process(role) => role,
        FaultTarget::Connection(connection) => connection.owner(),
    };
    owner == role && fault.which.is_none_or(|hit| hit == which)
}

/// The result of one poll of all services.
#[derive(Debug, Clone, Copy)]
struct ReadinessRound {
    begun: Instant,
    all_ready: bool,
}

/// A watch that polls until it is dropped.
#[derive(Debug)]
pub struct ReadinessWatch {
    rounds: watch::Receiver<ReadinessRound>,
    interventions: Arc<Mutex<Vec<String>>>,
    polling: JoinHandle<()>,
}

impl ReadinessWatch {
    pub fn over(environment: &Arc<Environment>) -> Self {
        let (sender, rounds) = watch::channel(ReadinessRound {
            begun: Instant::now(),
            all_ready: false,
        });
        let interventions = Arc::default();
        let poller = Poller {
            environment: Arc::clone(environment),
            interventions: Arc::clone(&interventions),
            unready: vec![Duration::ZERO; environment.programs.len()],
        };
        Self {
            rounds,
            interventions,
            polling: tokio::spawn(poller.poll_until_dropped(sender)),
        }
    }

    /// Waits for a poll that begins after `moment` and finds every service ready, and returns the start of that poll.
    /// `None` if no such poll comes in time.
    pub async fn all_ready_after(&self, moment: Instant) -> Option<Instant> {
        let mut rounds = self.rounds.clone();
        let ready = rounds.wait_for(|round| round.all_ready && round.begun >= moment);
        let ready = timeout(READY_WITHIN * 2, ready).await.ok()?;
        // The sender lives as long as this watch.
        ready.ok().map(|round| round.begun)
    }

    /// A message for each service that needed manual help so far.
    pub fn interventions(&self) -> Vec<String> {
        self.interventions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for ReadinessWatch {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

struct Poller {
    environment: Arc<Environment>,
    interventions: Arc<Mutex<Vec<String>>>,
    /// How long each service has not been ready while no fault concerned it.
    unready: Vec<Duration>,
}

impl Poller {
    async fn poll_until_dropped(mut self, rounds: watch::Sender<ReadinessRound>) {
        loop {
            let begun = Instant::now();
            let environment = Arc::clone(&self.environment);
            let asked = environment
                .programs
                .iter()
                .map(|program| is_ready(&environment.client, program));
            let ready = join_all(asked).await;
            rounds.send_replace(ReadinessRound {
                begun,
                all_ready: ready.iter().all(|ready| *ready),
            });
            sleep(EVERY).await;
            for (at, ready) in ready.into_iter().enumerate() {
                self.note(at, ready, begun.elapsed());
            }
        }
    }

    fn note(&mut self, at: usize, ready: bool, passed: Duration) {
        let environment = Arc::clone(&self.environment);
        let program = &environment.programs[at];
        if let Some(status) = program.ended_by_itself() {
            self.note_intervention(program, &format!("ended by itself ({status})"));
            // The run has failed, but the rest of it is still worth seeing.
            if let Err(error) = program.start_again() {
                self.note_intervention(program, &format!("can't be started again: {error}"));
            }
        }
        if ready {
            self.unready[at] = Duration::ZERO;
        } else if !environment.active_faults.concerns(program) {
            let before = self.unready[at];
            self.unready[at] += passed;
            if before < READY_WITHIN && self.unready[at] >= READY_WITHIN {
                let wait = format!("was not ready for {READY_WITHIN:?} although no fault concerned it");
                self.note_intervention(program, &wait);
            }
        }
    }

    fn note_intervention(&self, program: &Program, what: &str) {
        let words = format!("{} {what}", program.name);
        println!("!! {words}\n{}", program.end_of_log());
        self.interventions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(words);
    }
}

pub async fn is_ready(client: &Client, program: &Program) -> bool {
    let request = client.get(format!("http://{}/readyz", program.admin));
    let answer = request.timeout(ANSWER_WITHIN).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
