//! Applies notices in transactions so that a failing one never fails its whole batch.
//!
//! After a failure that is not the database's own the batch runs again in halves, down to the single notice at fault. An
//! outage is waited out: the notices stay unacknowledged, none is lost and none becomes a dead letter.

mod job;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use xiebao_amqp::Pacing;
use xiebao_runtime::clock;

use crate::blame::{Blame, Cause};
use crate::outage::Waiting;
use crate::worker::Worker;
pub use job::{Job, JobOutcome, Work};
use job::{by_weight, divide, plan};
use xiebao_store::StoreError;
use xiebao_store::sql::links::PendingLink;
use xiebao_store::sql::server;
use xiebao_store::transaction::{self, Outcome, Plan};

/// How often a part that loses races for locks runs before it is halved, so that one locked proposal delays no other. A
/// single notice is then deferred.
const MAX_RACES: u32 = 8;
/// The same limit by time, because one wait for a lock may take ten seconds.
const RACING_AT_MOST: Duration = Duration::from_secs(5);

/// Runs all jobs until `given_up` resolves. Returns the outcomes of the notices by index, and the reissue links found on
/// the way. A notice without an outcome was given up; it stays unacknowledged.
pub async fn run_all(
    worker: &Worker,
    jobs: Vec<Job>,
    given_up: impl Future<Output = ()>,
) -> (Vec<(usize, JobOutcome)>, Vec<PendingLink>) {
    let mut given_up = pin!(given_up);
    let (mut outcomes, mut links) = (Vec::new(), Vec::new());
    let mut parts = by_weight(jobs);
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
                    log_division(&error, first.len() + second.len());
                    parts.extend([second, first].map(|half| perhaps_counted(half, &error)));
                }
                Err(part) => {
                    let reason = reason(worker, &part, &error).await;
                    outcomes.extend(part.iter().filter_map(|job| job.failed(&error, &reason)));
                }
            },
        }
    }
    (outcomes, links)
}

fn log_division(error: &StoreError, size: usize) {
    match error {
        StoreError::Conflict(_) => tracing::warn!(
            error = %error,
            batch.size = size,
            "a batch lost too many races for locks; splitting it"
        ),
        _ => tracing::warn!(
            error = %error,
            batch.size = size,
            "a batch failed; splitting it to find the failing notice"
        ),
    }
}

/// If only the answer to the commit was lost, these deliveries have already been counted.
fn perhaps_counted(mut part: Vec<Job>, error: &StoreError) -> Vec<Job> {
    if error.is_lost_answer() {
        part.iter_mut().for_each(Job::mark_redelivered);
    }
    part
}

/// The error in words. It names the setting that a large notice may exceed: a server often closes the connection without a
/// word.
async fn reason(worker: &Worker, part: &[Job], error: &StoreError) -> String {
    let (bytes, mut reason) = (part.iter().map(Job::bytes).sum::<usize>(), error.to_string());
    if matches!(error, StoreError::Conflict(_)) {
        return reason;
    }
    let packet = worker
        .store
        .ask(async |conn| server::max_allowed_packet(conn).await);
    if let Ok(packet) = packet.await
        && bytes.saturating_mul(2) > usize::try_from(packet).unwrap_or(usize::MAX)
    {
        reason.push_str(&format!(
            "; the notice has {bytes} bytes, and max_allowed_packet of the database is {packet}"
        ));
    }
    reason
}

/// Runs one transaction until it is committed, is found to be at fault, or loses too many races for locks.
async fn until_decided(worker: &Worker, jobs: &[Job]) -> Result<Outcome, StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(5));
    let (mut plan, mut blame, mut races) = (plan(jobs), Blame::default(), Races::begin());
    let mut waiting = None::<Waiting>;
    loop {
        let begun = Instant::now();
        let error = match attempt(worker, &plan).await {
            Ok(outcome) => {
                if let Some(waiting) = waiting {
                    tracing::info!("the database is back");
                    waiting.succeeded();
                }
                return Ok(outcome);
            }
            Err(error) => error,
        };
        if let StoreError::Conflict(_) = error {
            worker.metrics.conflicts.inc();
            let Some(pause) = races.pause() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
            continue;
        }
        // If only the answer to the commit was lost, these deliveries have already been counted.
        plan.mark_redelivered();
        match blame
            .examine(&worker.store, &error, begun.elapsed(), jobs.len() > 1)
            .await
        {
            Cause::Work => return Err(error),
            Cause::Unproven => continue,
            Cause::Database => {}
        }
        let waiting = waiting.get_or_insert_with(|| {
            tracing::warn!(error = %error, "waiting for the database");
            worker.metrics.pauses.inc();
            worker.waiting.wait()
        });
        tokio::select! {
            () = pacing.pause() => {}
            () = waiting.another_succeeded() => {}
        }
    }
}

/// The races that a part has lost.
struct Races {
    lost: u32,
    begun: Instant,
}

impl Races {
    fn begin() -> Self {
        Self {
            lost: 0,
            begun: Instant::now(),
        }
    }

    /// The pause before the next race; `None` after the last. It is random, so that two losers do not meet again.
    fn pause(&mut self) -> Option<Duration> {
        self.lost += 1;
        if self.lost >= MAX_RACES || self.begun.elapsed() >= RACING_AT_MOST {
            return None;
        }
        Some(Duration::from_millis(rand::random_range(
            1..10 << self.lost.min(5),
        )))
    }
}

async fn attempt(worker: &Worker, plan: &Plan) -> Result<Outcome, StoreError> {
    let started = Instant::now();
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
