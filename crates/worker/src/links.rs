//! Reissue links: told to the new proposals in another transaction, after the one that found them, and beside the lanes,
//! so that none of these stands still for it.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::InsureNum;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;

use crate::Worker;
use crate::metrics::Metrics;
use crate::store::links::PendingLink;
use crate::store::{Store, StoreError, TRIES};
use crate::transaction::{self, Outcome, Plan, Task};

/// Batches whose links wait to be told, at most. The links of further ones are left to the sweeper.
pub(crate) const BATCHES_WAITING: usize = 16;
/// Links told in one transaction.
const AT_ONCE: usize = 200;
/// How often telling is tried here: what somebody keeps locked is left to the sweeper too.
const HURRIED: usize = 1;

/// What telling takes.
struct Teller<'t> {
    store: &'t Store,
    rules: &'t Rules,
    /// Where what the transactions do besides is counted, for they settle what is due like any other.
    metrics: Option<&'t Metrics>,
}

/// Delivers what the lanes of a session have found, much of it together, until there are no more lanes. What is given up
/// lies in the outbox.
pub async fn keep_delivering(
    store: &Store,
    rules: &Rules,
    metrics: &Metrics,
    mut found: mpsc::Receiver<Vec<PendingLink>>,
    given_up: &CancellationToken,
) {
    let teller = Teller {
        store,
        rules,
        metrics: Some(metrics),
    };
    let mut batches = Vec::new();
    while found.recv_many(&mut batches, BATCHES_WAITING).await > 0 {
        let links: Vec<PendingLink> = batches.drain(..).flatten().collect();
        for links in links.chunks(AT_ONCE) {
            let telling = teller.deliver(links.to_vec(), HURRIED);
            if let Some(Err(error)) = given_up.run_until_cancelled(telling).await {
                note(&error);
            }
        }
    }
}

/// Delivers links and whatever links follow from that. What fails stays in the outbox, where the sweeper finds it,
/// and takes no other link with it.
pub async fn deliver(worker: &Worker, pending: Vec<PendingLink>) {
    let teller = Teller {
        store: &worker.store,
        rules: &worker.rules,
        metrics: Some(&worker.metrics),
    };
    if let Err(error) = teller.deliver(pending, TRIES).await {
        note(&error);
    }
}

fn note(error: &StoreError) {
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
    teller.deliver(pending, TRIES).await
}

impl Teller<'_> {
    async fn deliver(&self, pending: Vec<PendingLink>, tries: usize) -> Result<(), StoreError> {
        let mut to_tell = VecDeque::from([pending]);
        let mut result = Ok(());
        while let Some(posts) = to_tell.pop_front() {
            if posts.is_empty() {
                continue;
            }
            match self.tell(&posts, tries).await {
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
    async fn tell(&self, posts: &[PendingLink], most_tries: usize) -> Result<Outcome, StoreError> {
        let plan = plan(posts);
        // Not [`Store::racing`]: the worker's tasks move between threads.
        let mut tries = 0;
        loop {
            tries += 1;
            let telling = self
                .store
                .with(async |conn| transaction::run(conn, &plan, clock::now, self.rules).await);
            let result = AssertUnwindSafe(telling).catch_unwind().await;
            match result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while linking".to_owned()))) {
                Err(StoreError::Conflict(_)) if tries < most_tries => {}
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

fn plan(posts: &[PendingLink]) -> Plan {
    let mut tasks: BTreeMap<InsureNum, Task> = BTreeMap::new();
    for post in posts {
        let task = tasks.entry(post.new_insure_num.clone()).or_default();
        let told = if post.withdrawn {
            &mut task.unlinks
        } else {
            &mut task.links
        };
        told.push(post.link.clone());
    }
    Plan {
        tasks,
        ..Plan::default()
    }
}
