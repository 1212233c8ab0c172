//! The thread that a load has for itself, and the bounds of its time.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use super::tally::Tally;

/// A server that answers nobody for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does the work on a new thread. It ends with the work, or as soon as nobody waits for it any longer.
///
/// # Errors
/// Those of the work, and when the thread can't be started or dies.
pub async fn on_own_thread<T, W, F>(work: W) -> anyhow::Result<T>
where
    T: Send + 'static,
    W: FnOnce() -> F + Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || perform(work, sender))?;
    receiver.await.context("the thread of the load died")?
}

fn perform<T, W, F>(work: W, mut sender: oneshot::Sender<anyhow::Result<T>>)
where
    W: FnOnce() -> F,
    F: Future<Output = anyhow::Result<T>>,
{
    let outcome = runtime().and_then(|runtime| {
        LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                outcome = work() => outcome,
                () = sender.closed() => bail!("nobody waits for it any longer"),
            }
        })
    });
    // Whoever waited may be gone.
    let _ = sender.send(outcome);
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Until every connection has done its part, or one of them fails, or nothing is answered any more, or the limit is over.
pub async fn all_done(
    mut connections: JoinSet<anyhow::Result<()>>,
    tally: &Rc<Tally>,
    limit: Duration,
) -> anyhow::Result<()> {
    let done = async {
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        Ok(())
    };
    tokio::select! {
        outcome = timeout(limit, done) => match outcome {
            Ok(outcome) => outcome,
            Err(_) => bail!("not done after {} s", limit.as_secs()),
        },
        () = silence(tally, PATIENCE) => bail!("no answer for {} s", PATIENCE.as_secs()),
    }
}

/// Ends when no answer has come for this long.
async fn silence(tally: &Tally, patience: Duration) {
    loop {
        let before = tally.answers();
        sleep(patience).await;
        if tally.answers() == before {
            return;
        }
    }
}
