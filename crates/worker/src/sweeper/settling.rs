//! Settles due proposals in transactions that stay short: one with a group policy takes as long as hundreds of others.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;
use xiebao_store::sql::holds;
use xiebao_store::transaction::{Outcome, POSTPONED, settle_unlocked};
use xiebao_store::{Races, StoreError};

use crate::blame::{Blame, Cause};
use crate::worker::Worker;

/// The length of a transaction after which the next one takes more proposals, or fewer.
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_millis(250);

/// The number of proposals of one transaction.
#[derive(Debug)]
pub(super) struct Stride(usize);

impl Default for Stride {
    fn default() -> Self {
        Self(16)
    }
}

impl Stride {
    fn took(&mut self, time: Duration) {
        if time < SHORT {
            self.0 *= 2;
        } else if time > LONG {
            self.shorten(self.0);
        }
    }

    fn shorten(&mut self, from: usize) {
        self.0 = (from / 2).max(1);
    }
}

/// Settles these proposals. One that cannot be settled is postponed.
pub(super) async fn settle(
    worker: &Worker,
    mut due: &[InsureNum],
    stride: &mut Stride,
) -> Result<Outcome, StoreError> {
    let mut all = Outcome::default();
    while !due.is_empty() {
        let (part, rest) = due.split_at(stride.0.min(due.len()));
        let begun = Instant::now();
        match attempt(worker, part).await {
            Ok(outcome) => {
                all.add(outcome);
                stride.took(begun.elapsed());
                due = rest;
            }
            Err(error) => {
                let mut blame = Blame::default();
                let cause = blame.examine(&worker.store, &error, begun.elapsed(), true);
                match (cause.await, part) {
                    (Cause::Work, [num]) => {
                        postpone(worker, num, &error).await?;
                        due = rest;
                    }
                    (Cause::Work, _) => stride.shorten(part.len()),
                    _ => return Err(error),
                }
            }
        }
    }
    Ok(all)
}

async fn postpone(worker: &Worker, num: &InsureNum, error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(error = %error, "a proposal cannot be settled; its held notices keep waiting");
    let later = clock::now() + POSTPONED;
    worker
        .store
        .with(async |conn| holds::set(conn, &[(num, later)]).await)
        .await
}

/// Sweepers on several nodes of a cluster see the same proposals as free, and all but one of them lose the race.
async fn attempt(worker: &Worker, due: &[InsureNum]) -> Result<Outcome, StoreError> {
    let mut races = Races::default();
    loop {
        match attempt_once(worker, due).await {
            Err(StoreError::Conflict(_)) if races.again().await => worker.metrics.conflicts.inc(),
            result => return result,
        };
    }
}

async fn attempt_once(worker: &Worker, due: &[InsureNum]) -> Result<Outcome, StoreError> {
    let settling = worker
        .store
        .with(async |conn| settle_unlocked(conn, due, clock::now, &worker.rules).await);
    let result = AssertUnwindSafe(settling).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while settling".into())));
    // Counted here, because it stays committed even if a later one fails.
    result.inspect(|outcome| worker.metrics.count_outcome(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_transactions_take_more_proposals_and_long_ones_fewer() {
        let mut stride = Stride::default();
        stride.took(SHORT / 2);
        assert_eq!(stride.0, 32);
        stride.took(SHORT * 2);
        assert_eq!(stride.0, 32);
        for _ in 0..9 {
            stride.took(LONG * 2);
        }
        assert_eq!(stride.0, 1);
    }
}
