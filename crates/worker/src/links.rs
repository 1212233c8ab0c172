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
use crate::store::links::PendingLink;
use crate::store::{Store, StoreError, TRIES};
use crate::transaction::{self, Plan, Task};

/// Batches whose links wait to be told, at most. The links of further ones are left to the sweeper.
pub(crate) const BATCHES_WAITING: usize = 16;
/// Links told in one transaction.
const AT_ONCE: usize = 200;
/// How often telling is tried here: what somebody keeps locked is left to the sweeper too.
const HURRIED: usize = 1;

/// Delivers what the lanes of a session have found, much of it together, until there are no more lanes. What is given up
/// lies in the outbox.
pub async fn keep_delivering(
    store: &Store,
    rules: &Rules,
    mut found: mpsc::Receiver<Vec<PendingLink>>,
    given_up: &CancellationToken,
) {
    let mut batches = Vec::new();
    while found.recv_many(&mut batches, BATCHES_WAITING).await > 0 {
        let links: Vec<PendingLink> = batches.drain(..).flatten().collect();
        for links in links.chunks(AT_ONCE) {
            let telling = deliver_within(store, rules, links.to_vec(), HURRIED);
            if let Some(Err(error)) = given_up.run_until_cancelled(telling).await {
                note(&error);
            }
        }
    }
}

/// Delivers links and whatever links follow from that. What fails stays in the outbox, where the sweeper finds it,
/// and takes no other link with it.
pub async fn deliver(worker: &Worker, pending: Vec<PendingLink>) {
    if let Err(error) = deliver_all(&worker.store, &worker.rules, pending).await {
        note(&error);
    }
}

fn note(error: &StoreError) {
    tracing::warn!(error = %error, "reissue links wait in the outbox");
}

/// Delivers links and whatever links follow from that: all together, and where that fails, each proposal's by itself. The
/// last error, if there was one.
pub async fn deliver_all(store: &Store, rules: &Rules, pending: Vec<PendingLink>) -> Result<(), StoreError> {
    deliver_within(store, rules, pending, TRIES).await
}

async fn deliver_within(
    store: &Store,
    rules: &Rules,
    pending: Vec<PendingLink>,
    tries: usize,
) -> Result<(), StoreError> {
    let mut to_tell = VecDeque::from([pending]);
    let mut result = Ok(());
    while let Some(posts) = to_tell.pop_front() {
        if posts.is_empty() {
            continue;
        }
        match tell(store, rules, &posts, tries).await {
            Ok(following) => to_tell.push_back(following),
            Err(error @ StoreError::Unavailable(_)) => result = Err(error),
            Err(error) if !concerns_several(&posts) => result = Err(error),
            Err(_) => to_tell.extend(by_proposal(posts)),
        }
    }
    result
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

/// Tells proposals of their links; the links that follow.
async fn tell(
    store: &Store,
    rules: &Rules,
    posts: &[PendingLink],
    most_tries: usize,
) -> Result<Vec<PendingLink>, StoreError> {
    let plan = plan(posts);
    // Not [`Store::racing`]: the worker's tasks move between threads.
    let mut tries = 0;
    loop {
        tries += 1;
        let telling = store.with(async |conn| {
            let outcome = transaction::run(conn, &plan, clock::now, rules).await?;
            Ok(outcome.links)
        });
        let result = AssertUnwindSafe(telling).catch_unwind().await;
        match result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while linking".to_owned()))) {
            Err(StoreError::Conflict(_)) if tries < most_tries => {}
            result => return result,
        }
    }
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
