//! Delivers reissue links outside batches: those left in the outbox and those of a lane that ends.

use xiebao_runtime::clock;
use xiebao_store::sql::links::PendingLink;
use xiebao_store::{StoreError, linking};

use crate::worker::Worker;

/// Delivers links and the links that follow from them. A link that fails stays in the outbox, where the sweeper finds it.
pub async fn deliver(worker: &Worker, pending: Vec<PendingLink>) {
    let count = |outcome: &_| worker.metrics.count_outcome(outcome);
    if let Err(error) = linking::deliver(&worker.store, &worker.rules, clock::now, pending, count).await {
        log_undelivered(&error);
    }
}

pub(crate) fn log_undelivered(error: &StoreError) {
    tracing::warn!(error = %error, "reissue links stay in the outbox");
}

/// A link between two invented proposals.
#[cfg(test)]
pub(crate) fn invented(nth: usize) -> PendingLink {
    use xiebao_core::id::{InsureNum, PartnerId};
    use xiebao_core::ledger::Link;
    let number = |text: String| InsureNum::parse(&text).expect("it fits").expect("it is one");
    PendingLink {
        new_insure_num: number(format!("20260801{nth:06}")),
        link: Link {
            reissued_from: number(format!("20260701{nth:06}")),
            partner_id: PartnerId(1),
        },
        withdrawn: false,
    }
}
