//! Distinguishes a notice that the database rejects from a database that rejects everything.

use xiebao_runtime::clock;
use xiebao_store::sql::server;
use xiebao_store::{Store, StoreError, probe};

/// Tells if the database accepts a rehearsal: an invented proposal, written and rolled back. `false` means that the caller
/// waits, and that no notice is at fault.
pub async fn succeeds(store: &Store) -> bool {
    is_fine(probe::rehearse(store, clock::now).await)
}

/// Tells if the database accepts a rehearsal and a commit. A server that waits for its replicas refuses commits only.
pub async fn commits(store: &Store) -> bool {
    succeeds(store).await && is_fine(probe::commit(store).await)
}

/// Tells if the database answers a small query.
pub async fn is_there(store: &Store) -> bool {
    store.ask(async |conn| server::time(conn).await).await.is_ok()
}

fn is_fine(outcome: Result<(), StoreError>) -> bool {
    if let Err(error) = &outcome {
        tracing::warn!(error = %error, "the database rejects every write");
    }
    outcome.is_ok()
}
