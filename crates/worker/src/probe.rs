//! Tells a notice that the database refuses from a database that refuses everything.

use xiebao_runtime::clock;
use xiebao_store::probe;
use xiebao_store::sql::server;

use crate::Worker;

/// Whether the database takes a made-up life of a proposal. `false` means waiting, not a fault of a notice.
pub async fn succeeds(worker: &Worker) -> bool {
    let outcome = probe::rehearse(&worker.store, clock::now).await;
    if let Err(error) = &outcome {
        tracing::warn!(error = %error, "the database refuses everything");
    }
    outcome.is_ok()
}

/// Whether the database answers a small question.
pub async fn is_there(worker: &Worker) -> bool {
    worker
        .store
        .ask(async |conn| server::time(conn).await)
        .await
        .is_ok()
}
