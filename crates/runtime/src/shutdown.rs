//! Shutdown in two stages: a soft signal to finish the work at hand, and a hard one if that takes too long.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first SIGTERM or SIGINT cancels. A second one ends the process at once, with exit code 1.
///
/// # Errors
/// If the system refuses the signal handlers.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let soft = token.clone();
    tokio::spawn(async move {
        let mut either = async || tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () };
        either().await;
        tracing::info!("shutting down");
        soft.cancel();
        either().await;
        tracing::warn!("shutting down at once");
        std::process::exit(1);
    });
    Ok(token)
}

/// The work exceeded its grace.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not finished {grace:?} after the signal to shut down")]
pub struct Overdue {
    /// The grace that was granted.
    pub grace: Duration,
}

/// Runs `work`, but after `soft` is cancelled for at most `grace`.
///
/// # Errors
/// If the grace is exceeded; the work is dropped.
pub async fn finish_within<T>(
    soft: &CancellationToken,
    grace: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Overdue> {
    let deadline = async {
        soft.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        biased;
        result = work => Ok(result),
        () = deadline => Err(Overdue { grace }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn work_without_a_signal_has_no_time_limit() {
        let soft = CancellationToken::new();
        let slow = async {
            tokio::time::sleep(GRACE * 3).await;
            7
        };
        assert_eq!(finish_within(&soft, GRACE, slow).await, Ok(7));
    }

    #[tokio::test]
    async fn after_the_signal_work_has_the_grace_and_no_more() {
        let soft = CancellationToken::new();
        soft.cancel();
        assert_eq!(
            finish_within(&soft, GRACE, tokio::time::sleep(GRACE / 5)).await,
            Ok(())
        );
        let overdue = finish_within(&soft, GRACE, std::future::pending::<()>()).await;
        assert_eq!(overdue, Err(Overdue { grace: GRACE }));
    }
}
