//! Being told to stop: what was made on the servers is removed all the same.

use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// Does the work unless the program is told to stop meanwhile.
pub async fn unless_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| Failure::Broken(e.to_string()))?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(stopped()),
        _ = terminate.recv() => Err(stopped()),
    }
}

fn stopped() -> Failure {
    Failure::Broken("stopped before there was a figure".to_owned())
}
