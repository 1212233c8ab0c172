//! Carries reissue links from the outbox to the proposals that they lead to.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use xiebao_core::id::InsureNum;
use xiebao_core::rules::Rules;

use crate::races::Races;
use crate::sql::links::PendingLink;
use crate::transaction::{self, Clock, Outcome, Plan};
use crate::{Store, StoreError};

/// Delivers links, and the links that follow from them: all together or, if that fails, proposal by proposal. A link
/// that fails stays in the outbox, where the sweeper finds it. `count` receives the outcome of each transaction,
/// because these transactions settle due notices like any other.
///
/// # Errors
/// The last failure, after every other link was delivered.
pub async fn deliver(
    store: &Store,
    rules: &Rules,
    clock: Clock,
    pending: Vec<PendingLink>,
    mut count: impl FnMut(&Outcome),
) -> Result<(), StoreError> {
    let mut waiting = VecDeque::from([pending]);
    let mut result = Ok(());
    while let Some(links) = waiting.pop_front() {
        if links.is_empty() {
            continue;
        }
        match deliver_together(store, rules, clock, &links).await {
            Ok(outcome) => {
                count(&outcome);
                waiting.push_back(outcome.links);
            }
            Err(error @ StoreError::Unavailable(_)) => result = Err(error),
            Err(error) if !concerns_several(&links) => result = Err(error),
            Err(_) => waiting.extend(by_proposal(links)),
        }
    }
    result
}

/// One transaction for all of these links.
async fn deliver_together(
    store: &Store,
    rules: &Rules,
    clock: Clock,
    links: &[PendingLink],
) -> Result<Outcome, StoreError> {
    let mut plan = Plan::default();
    links.iter().for_each(|link| plan.tell(link));
    // Not [`Store::racing`]: its future cannot move between threads, as the tasks of the worker do.
    let mut races = Races::default();
    loop {
        let delivery = store.with(async |conn| transaction::run(conn, &plan, clock, rules).await);
        let result = AssertUnwindSafe(delivery).catch_unwind().await;
        match result.unwrap_or_else(|_| Err(StoreError::Refused("a panic while linking".into()))) {
            Err(StoreError::Conflict(_)) if races.again().await => {}
            result => return result,
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
