//! Reissue links that no batch of a lane tells: those left in the outbox, those of a lane at its end, and those that a command
//! has found.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use xiebao_core::id::InsureNum;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;

use crate::Worker;
use crate::metrics::Metrics;
use crate::store::links::PendingLink;
use crate::store::{Store, StoreError, TRIES};
use crate::transaction::{self, Outcome, Plan};

/// What telling takes.
struct Teller<'t> {
    store: &'t Store,
    rules: &'t Rules,
    /// Where what the transactions do besides is counted, for they settle what is due like any other.
    metrics: Option<&'t Metrics>,
}

/// Delivers links and whatever links follow from that. What fails stays in the outbox, where the sweeper finds it,
/// and takes no other link with it.
pub async fn deliver(worker: &Worker, pending: Vec<PendingLink>) {
    let teller = Teller {
        store: &worker.store,
        rules: &worker.rules,
        metrics: Some(&worker.metrics),
    };
    if let Err(error) = teller.deliver(pending).await {
        note(&error);
    }
}

pub(crate) fn note(error: &StoreError) {
    tracing::warn!(error = %error, "reissue links wait in the outbox");
}

/// Delivers links and whatever links follow from that: all together, and where that fails, each proposal's by itself. The
/// last error, if there was one. Outside a worker, where nothing is counted.
pub async fn deliver_all(store: &Store, rules: &Rules, pending: Vec<PendingLink>) -> Result<(), StoreError> {
    let teller = Teller {
        store,
        rules,
        metrics: None,
    };
    teller.deliver(pending).await
}

impl Teller<'_> {
    async fn deliver(&self, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        let mut to_tell = VecDeque::from([pending]);
        let mut result = Ok(());
        while let Some(posts) = to_tell.pop_front() {
            if posts.is_empty() {
                continue;
            }
            match self.tell(&posts).await {
                Ok(outcome) => {
                    if let Some(metrics) = self.metrics {
                        metrics.count_outcome(&outcome);
                    }
                    to_tell.push_back(outcome.links);
                }
                Err(error @ StoreError::Unavailable(_)) => result = Err(error),
                Err(error) if !concerns_several(&posts) => result = Err(error),
                Err(_) => to_tell.extend(by_proposal(posts)),
            }
        }
        result
    }

    /// Tells proposals of their links; what the transaction did, with the links that follow.
    async fn tell(&self, posts: &[PendingLink]) -> Result<Outcome, StoreError> {
        let mut plan = Plan::default();
        posts.iter().for_each(|post| plan.tell(post));
        // Not [`Store::racing`]: the worker's tasks move between threads.
        let mut tries = 0;
        loop {
            tries += 1;
            let telling = self
                .store
                .with(async |conn| transaction::run(conn, &plan, clock::now, self.rules).await);
            let result = AssertUnwindSafe(telling).catch_unwind().await;
            match result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while linking".to_owned()))) {
                Err(StoreError::Conflict(_)) if tries < TRIES => {}
                result => return result,
            }
        }
    }
}

fn concerns_several(posts: &[PendingLink]) -> bool {
    posts
        .windows(2)
        .any(|two| two[0].new_insure_num != two[1].new_insure_num)
}

fn by_proposal(pending: Vec<PendingLink>) -> impl Iterator<Item = Vec<PendingLink>> {
    let mut posts: BTreeMap<InsureNum, Vec<PendingLink>> = BTreeMap::new();
    for post in pending {
        posts.entry(post.new_insure_num.clone()).or_default().push(post);
    }
    posts.into_values()
}
