//! Runs notices through the transaction so that a bad one never takes its batch with it.
//!
//! A transaction that fails for a permanent reason is run again in halves, down to the single notice at fault. A
//! transient failure is waited out: the notices stay unacknowledged, nothing is lost and nothing becomes a dead letter.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_runtime::amqp::Pacing;
use xiebao_runtime::clock;

use crate::outage::Waiting;
use crate::{Worker, links, probe};
use xiebao_store::StoreError;
use xiebao_store::sql::links::PendingLink;
use xiebao_store::sql::notices::NoticeRow;
use xiebao_store::transaction::{self, Outcome, Plan};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Job {
    /// A notice that is to be applied or kept, under the caller's mark.
    Notice { mark: usize, work: Work },
    /// A link that is to be told, if it still lies in the outbox. It stays there if that fails.
    Link(PendingLink),
}

#[derive(Debug, Clone)]
pub enum Work {
    Apply(InsureNum, Arrival),
    Keep(NoticeRow),
}

/// How often a part that loses races for locks is run again before it is halved, so that whoever keeps one proposal locked
/// holds up no other; a single notice is then put aside.
const RACES: usize = 3;
/// The same by time: one wait for a lock may take ten seconds.
const RACING_AT_MOST: Duration = Duration::from_secs(5);

/// What became of a job.
#[derive(Debug, Clone)]
pub enum End {
    Decided(DeliveryOutcome),
    Kept,
    /// It fails by itself, in these words; nothing was written.
    Failed(String),
    /// Somebody else keeps its proposal locked; nothing was written.
    Locked,
}

/// Runs all jobs; what became of the notices, and the links that were found. The marks that are not in the result were given up
/// and are to be tried again by someone.
pub async fn run_all(
    worker: &Worker,
    jobs: Vec<Job>,
    given_up: impl Future<Output = ()>,
) -> (Vec<(usize, End)>, Vec<PendingLink>) {
    let mut given_up = pin!(given_up);
    let (mut ends, mut links) = (Vec::new(), Vec::new());
    let mut parts = vec![jobs];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let result = tokio::select! {
            biased;
            result = until_decided(worker, &part) => result,
            () = given_up.as_mut() => break,
        };
        match result {
            Ok(outcome) => {
                worker.metrics.count_outcome(&outcome);
                links.extend(outcome.links);
                ends.extend(
                    outcome
                        .verdicts
                        .into_iter()
                        .map(|(mark, verdict)| (mark, End::Decided(verdict))),
                );
                ends.extend(part.iter().filter_map(Job::kept));
            }
            Err(error) => match divide(part) {
                Ok((first, second)) => {
                    tracing::warn!(
                        error = %error,
                        batch.size = first.len() + second.len(),
                        "looking for what fails its batch"
                    );
                    parts.extend([second, first]);
                }
                Err(part) => ends.extend(part.iter().filter_map(|job| job.failed(&error))),
            },
        }
    }
    (ends, links)
}

/// Two parts of what failed together, notices before links: a link may always stay in the outbox, so none is looked for among
/// others. `Err`: it is not to be divided.
fn divide(part: Vec<Job>) -> Result<(Vec<Job>, Vec<Job>), Vec<Job>> {
    let count = part.len();
    let (mut notices, links): (Vec<Job>, Vec<_>) = part
        .into_iter()
        .partition(|job| matches!(job, Job::Notice { .. }));
    if notices.is_empty() {
        return Err(links);
    }
    if !links.is_empty() {
        return Ok((notices, links));
    }
    if count == 1 {
        return Err(notices);
    }
    let second = notices.split_off(count / 2);
    Ok((notices, second))
}

impl Job {
    fn kept(&self) -> Option<(usize, End)> {
        match self {
            Self::Notice {
                mark,
                work: Work::Keep(_),
            } => Some((*mark, End::Kept)),
            _ => None,
        }
    }

    fn failed(&self, error: &StoreError) -> Option<(usize, End)> {
        match (self, error) {
            (Self::Notice { mark, .. }, StoreError::Conflict(_)) => Some((*mark, End::Locked)),
            (Self::Notice { mark, .. }, error) => Some((*mark, End::Failed(error.to_string()))),
            (Self::Link(_), error) => {
                links::note(error);
                None
            }
        }
    }
}

/// Runs one transaction until it is committed, has failed for a permanent reason, or has lost too many races for locks.
async fn until_decided(worker: &Worker, jobs: &[Job]) -> Result<Outcome, StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(5));
    let mut plan = plan(jobs);
    let (mut waiting, mut races, started) = (None::<Waiting>, 0, tokio::time::Instant::now());
    loop {
        let error = match attempt(worker, &plan).await {
            Ok(outcome) => {
                if let Some(waiting) = waiting {
                    tracing::info!("the database is back");
                    waiting.is_through();
                }
                return Ok(outcome);
            }
            // Refused or unreadable: the notices' own fault only if others would fare better.
            Err(error) if error.may_be_permanent() && probe::succeeds(worker).await => return Err(error),
            Err(error) => error,
        };
        if let StoreError::Conflict(_) = error {
            worker.metrics.conflicts.inc();
            races += 1;
            if races >= RACES || started.elapsed() >= RACING_AT_MOST {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(rand::random_range(1..20))).await;
            continue;
        }
        let waiting = waiting.get_or_insert_with(|| {
            tracing::warn!(error = %error, "waiting for the database");
            worker.metrics.pauses.inc();
            worker.waiting.wait()
        });
        // The answer to a commit may be what was lost: then these very deliveries have been counted.
        plan.mark_redelivered();
        tokio::select! {
            () = pacing.pause() => {}
            () = waiting.another_is_through() => {}
        }
    }
}

async fn attempt(worker: &Worker, plan: &Plan) -> Result<Outcome, StoreError> {
    let started = tokio::time::Instant::now();
    let run = worker
        .store
        .with(async |conn| transaction::run(conn, plan, clock::now, &worker.rules).await);
    // A panic is a fault of this program, met by one notice; the others must not suffer from it.
    let result = AssertUnwindSafe(run).catch_unwind().await;
    worker
        .metrics
        .transaction
        .observe(started.elapsed().as_secs_f64());
    result.unwrap_or_else(|_| {
        tracing::error!("a transaction panicked; looking for what is at fault");
        Err(StoreError::Refused("a panic while deciding".to_owned()))
    })
}

fn plan(jobs: &[Job]) -> Plan {
    let mut plan = Plan::default();
    for job in jobs {
        match job {
            Job::Notice {
                mark,
                work: Work::Apply(num, arrival),
            } => {
                let task = plan.tasks.entry(num.clone()).or_default();
                task.arrivals.push((*mark, arrival.clone()));
            }
            Job::Notice {
                work: Work::Keep(row),
                ..
            } => plan.ignored.push(row.clone()),
            Job::Link(link) => plan.tell(link),
        }
    }
    plan
}
