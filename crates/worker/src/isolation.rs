//! Applies notices in transactions so that a failing one never fails its whole batch.
//!
//! After a permanent failure the batch runs again in halves, down to the single notice at fault. A transient failure is
//! waited out: the notices stay unacknowledged, none is lost and none becomes a dead letter.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use xiebao_amqp::Pacing;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_runtime::clock;

use crate::outage::Waiting;
use crate::worker::Worker;
use crate::{links, probe};
use xiebao_store::StoreError;
use xiebao_store::sql::links::PendingLink;
use xiebao_store::sql::notices::NoticeRow;
use xiebao_store::transaction::{self, Outcome, Plan};

/// One part of a transaction.
#[derive(Debug, Clone)]
pub enum Job {
    /// A notice to apply or keep.
    Notice {
        /// The caller's index for the outcome.
        index: usize,
        /// The work for it.
        work: Work,
    },
    /// A reissue link to deliver, if it is still in the outbox. It stays there on failure.
    Link(PendingLink),
}

/// The work that a notice needs.
#[derive(Debug, Clone)]
pub enum Work {
    /// Apply it to its proposal.
    Apply(InsureNum, Arrival),
    /// Store it as ignored.
    Keep(NoticeRow),
}

/// How often a part that loses races for locks runs before it is halved, so that one locked proposal delays no other. A
/// single notice is then deferred.
const MAX_RACES: usize = 3;
/// The same limit by time, because one wait for a lock may take ten seconds.
const RACING_AT_MOST: Duration = Duration::from_secs(5);

/// The outcome of a notice's job.
#[derive(Debug, Clone)]
pub enum JobOutcome {
    /// Committed, with this decision.
    Decided(DeliveryOutcome),
    /// Committed as ignored.
    Kept,
    /// Its own transaction fails with this error; nothing was written.
    Failed(String),
    /// Another transaction keeps its proposal locked; nothing was written.
    Locked,
}

/// Runs all jobs until `given_up` resolves. Returns the outcomes of the notices by index, and the reissue links found on
/// the way. A notice without an outcome was given up; it stays unacknowledged.
pub async fn run_all(
    worker: &Worker,
    jobs: Vec<Job>,
    given_up: impl Future<Output = ()>,
) -> (Vec<(usize, JobOutcome)>, Vec<PendingLink>) {
    let mut given_up = pin!(given_up);
    let (mut outcomes, mut links) = (Vec::new(), Vec::new());
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
                outcomes.extend(
                    outcome
                        .verdicts
                        .into_iter()
                        .map(|(index, decided)| (index, JobOutcome::Decided(decided))),
                );
                outcomes.extend(part.iter().filter_map(Job::kept));
            }
            Err(error) => match divide(part) {
                Ok((first, second)) => {
                    tracing::warn!(
                        error = %error,
                        batch.size = first.len() + second.len(),
                        "a batch failed; splitting it to find the failing notice"
                    );
                    parts.extend([second, first]);
                }
                Err(part) => outcomes.extend(part.iter().filter_map(|job| job.failed(&error))),
            },
        }
    }
    (outcomes, links)
}

/// Divides jobs that failed together, notices from links first: links may stay in the outbox, so the failing one is not
/// searched for. `Err` returns a part that is not divided further.
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
    fn kept(&self) -> Option<(usize, JobOutcome)> {
        match self {
            Self::Notice {
                index,
                work: Work::Keep(_),
            } => Some((*index, JobOutcome::Kept)),
            _ => None,
        }
    }

    fn failed(&self, error: &StoreError) -> Option<(usize, JobOutcome)> {
        match (self, error) {
            (Self::Notice { index, .. }, StoreError::Conflict(_)) => Some((*index, JobOutcome::Locked)),
            (Self::Notice { index, .. }, error) => Some((*index, JobOutcome::Failed(error.to_string()))),
            (Self::Link(_), error) => {
                links::log_undelivered(error);
                None
            }
        }
    }
}

/// Runs one transaction until it is committed, fails permanently, or loses too many races for locks.
async fn until_decided(worker: &Worker, jobs: &[Job]) -> Result<Outcome, StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(5));
    let mut plan = plan(jobs);
    let (mut waiting, mut races, started) = (None::<Waiting>, 0, tokio::time::Instant::now());
    loop {
        let error = match attempt(worker, &plan).await {
            Ok(outcome) => {
                if let Some(waiting) = waiting {
                    tracing::info!("the database is back");
                    waiting.succeeded();
                }
                return Ok(outcome);
            }
            // The notices are at fault only if the database accepts an invented one.
            Err(error) if error.may_be_permanent() && probe::succeeds(&worker.store).await => {
                return Err(error);
            }
            Err(error) => error,
        };
        if let StoreError::Conflict(_) = error {
            worker.metrics.conflicts.inc();
            races += 1;
            if races >= MAX_RACES || started.elapsed() >= RACING_AT_MOST {
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
        // If only the answer to the commit was lost, these deliveries have already been counted.
        plan.mark_redelivered();
        tokio::select! {
            () = pacing.pause() => {}
            () = waiting.another_succeeded() => {}
        }
    }
}

async fn attempt(worker: &Worker, plan: &Plan) -> Result<Outcome, StoreError> {
    let started = tokio::time::Instant::now();
    let run = worker
        .store
        .with(async |conn| transaction::run(conn, plan, clock::now, &worker.rules).await);
    // One notice may trigger a bug; its panic must not fail the others.
    let result = AssertUnwindSafe(run).catch_unwind().await;
    worker
        .metrics
        .transaction
        .observe(started.elapsed().as_secs_f64());
    result.unwrap_or_else(|_| {
        tracing::error!("a transaction panicked; splitting its batch to find the notice");
        Err(StoreError::Refused("a panic while deciding".into()))
    })
}

fn plan(jobs: &[Job]) -> Plan {
    let mut plan = Plan::default();
    for job in jobs {
        match job {
            Job::Notice {
                index,
                work: Work::Apply(num, arrival),
            } => {
                let task = plan.tasks.entry(num.clone()).or_default();
                task.arrivals.push((*index, arrival.clone()));
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
