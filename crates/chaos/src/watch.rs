//! Who is ready, all the time; and who needed a hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::kind::{Place, Role};
use crate::plan::Fault;
use crate::programs::Program;
use crate::stage::Stage;

const EVERY: Duration = Duration::from_millis(50);
/// An answer that is later than this is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Whoever is not ready for longer, while nothing that concerns it is broken, waits for a hand.
pub const READY_WITHIN: Duration = Duration::from_secs(60);

/// The faults that are under way.
#[derive(Debug, Default)]
pub struct Field {
    active: Mutex<BTreeMap<usize, Fault>>,
    begun: AtomicUsize,
}

impl Field {
    pub fn begin(&self, fault: &Fault) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.active().insert(fault.number, fault.clone());
    }

    /// `true`: it was the only one.
    pub fn end(&self, fault: &Fault) -> bool {
        let mut active = self.active();
        active.remove(&fault.number);
        active.is_empty()
    }

    /// Faults so far.
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
    let owner = match fault.kind.place {
        Place::Process(Role::Broker) => return true,
        Place::Process(Role::Database) => Role::Worker,
        Place::Process(role) => role,
        Place::Link(link) => link.owner(),
    };
    owner == role && fault.which.is_none_or(|hit| hit == which)
}

/// One look at everybody.
#[derive(Debug, Clone, Copy)]
struct Round {
    begun: Instant,
    all_ready: bool,
}

/// Looks until it is dropped.
#[derive(Debug)]
pub struct Watch {
    rounds: watch::Receiver<Round>,
    hands: Arc<Mutex<Vec<String>>>,
    looking: JoinHandle<()>,
}

impl Watch {
    pub fn over(stage: &Arc<Stage>) -> Self {
        let (sender, rounds) = watch::channel(Round {
            begun: Instant::now(),
            all_ready: false,
        });
        let hands = Arc::default();
        let look = Look {
            stage: Arc::clone(stage),
            hands: Arc::clone(&hands),
            unready: vec![Duration::ZERO; stage.programs.len()],
        };
        Self {
            rounds,
            hands,
            looking: tokio::spawn(look.again_and_again(sender)),
        }
    }

    /// Waits until everybody says that it is ready, asked after that moment. Returns when that was; `None`: not at one
    /// moment of the time in which it must be so.
    pub async fn all_ready_after(&self, moment: Instant) -> Option<Instant> {
        let mut rounds = self.rounds.clone();
        let ready = rounds.wait_for(|round| round.all_ready && round.begun >= moment);
        let ready = timeout(READY_WITHIN * 2, ready).await.ok()?;
        // The other end lives as long as this watch.
        ready.ok().map(|round| round.begun)
    }

    /// What needed a hand so far, in words.
    pub fn hands(&self) -> Vec<String> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

struct Look {
    stage: Arc<Stage>,
    hands: Arc<Mutex<Vec<String>>>,
    /// For how long each was not ready although nothing that concerns it was broken.
    unready: Vec<Duration>,
}

impl Look {
    async fn again_and_again(mut self, rounds: watch::Sender<Round>) {
        loop {
            let begun = Instant::now();
            let stage = Arc::clone(&self.stage);
            let asked = stage
                .programs
                .iter()
                .map(|program| is_ready(&stage.client, program));
            let ready = join_all(asked).await;
            rounds.send_replace(Round {
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
        let stage = Arc::clone(&self.stage);
        let program = &stage.programs[at];
        if let Some(status) = program.ended_by_itself() {
            self.hand(program, &format!("ended by itself ({status})"));
            // So that the rest of the run says something too; it has failed already.
            if let Err(error) = program.start_again() {
                self.hand(program, &format!("can't be started again: {error}"));
            }
        }
        if ready {
            self.unready[at] = Duration::ZERO;
        } else if !stage.field.concerns(program) {
            let before = self.unready[at];
            self.unready[at] += passed;
            if before < READY_WITHIN && self.unready[at] >= READY_WITHIN {
                let wait = format!("was not ready for {READY_WITHIN:?} with nothing broken around it");
                self.hand(program, &wait);
            }
        }
    }

    fn hand(&self, program: &Program, what: &str) {
        let words = format!("{} {what}", program.name);
        println!("!! {words}\n{}", program.last_words());
        self.hands
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
