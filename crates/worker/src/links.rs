//! Reissue links: told to the new proposal in a transaction of its own, after the one that found them.

use std::collections::BTreeMap;

use xiebao_core::id::InsureNum;
use xiebao_runtime::clock;

use crate::Worker;
use crate::store::links::{self, PendingLink};
use crate::store::{Store, StoreError};
use crate::transaction::{self, Plan, Task};

/// Delivers links and whatever links follow from that. What fails stays in the outbox, where the sweeper finds it.
pub async fn deliver(worker: &Worker, pending: Vec<PendingLink>) {
    if let Err(error) = deliver_all(&worker.store, &worker.rules, pending).await {
        tracing::warn!(error = %error, "reissue links wait in the outbox");
    }
}

/// Delivers links and whatever links follow from that.
pub async fn deliver_all(
    store: &Store,
    rules: &xiebao_core::rules::Rules,
    mut pending: Vec<PendingLink>,
) -> Result<(), StoreError> {
    while !pending.is_empty() {
        let mut tasks: BTreeMap<InsureNum, Task> = BTreeMap::new();
        for post in &pending {
            tasks
                .entry(post.new_insure_num.clone())
                .or_default()
                .links
                .push(post.link.clone());
        }
        let mut conn = store.connection().await?;
        let plan = Plan {
            tasks,
            ignored: vec![],
        };
        let outcome = transaction::run(&mut conn, &plan, clock::now(), rules).await?;
        for post in &pending {
            links::delivered(&mut conn, post).await?;
        }
        pending = outcome.links;
    }
    Ok(())
}
