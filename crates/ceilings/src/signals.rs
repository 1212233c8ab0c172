//! Interruption by SIGINT or SIGTERM, after which the programs still clean up on the servers.

use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// Runs `work`, and fails if the program is interrupted meanwhile.
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
