//! One pooled connection with its channels, kept open by a task of its own, so that no request ever opens anything
//! and a broker that is back is noticed without traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use deadpool_lapin::{Connection, Pool};
use lapin::ConnectionStatus;
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::confirm::ConfirmChannel;
use super::connect::{ConnectError, within};
use super::finishing::Elsewhere;
use super::pacing::Pacing;
use super::topology::{self, TopologyError};

const CHANNELS: usize = 2;
/// In milliseconds.
const REFUSALS_MEAN_NOTHING_AFTER: u64 = 2_000;
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// What all links of a publisher share.
#[derive(Debug)]
pub(super) struct Shared {
    pub pool: Pool,
    /// Where work goes on that outlives the request that starts it.
    pub elsewhere: Elsewhere,
    /// The bound on opening a connection, and again on what is done with it before it is used.
    pub open_timeout: Duration,
    /// Bumped whenever a link opens.
    pub opened: watch::Sender<u64>,
    /// The first drift that was found before any link was open.
    pub drift: watch::Sender<Option<Arc<TopologyError>>>,
    pub closing: CancellationToken,
}

/// A connection while it is good.
#[derive(Debug)]
pub(super) struct OpenLink {
    connection: ConnectionStatus,
    channels: Vec<ConfirmChannel>,
    opened_at: Instant,
    /// When the last confirm came, in milliseconds since `opened_at`.
    confirmed: AtomicU64,
    /// When the last message was refused, likewise; 0: never.
    refused: AtomicU64,
    /// Cancelled by whoever finds that nothing comes back any more.
    broken: CancellationToken,
    /// Asks for the topology to be declared again.
    pub unroutable: Notify,
}

#[derive(Debug, Error)]
enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

/// A place for a connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    open: ArcSwapOption<OpenLink>,
    trouble: ArcSwapOption<String>,
}

impl OpenLink {
    pub fn channel(&self, turn: usize) -> &ConfirmChannel {
        &self.channels[turn % self.channels.len()]
    }

    fn is_sound(&self) -> bool {
        !self.broken.is_cancelled() && self.channels.iter().all(ConfirmChannel::is_open)
    }

    /// The broker reads nothing more from this connection, because it is short of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.connection.blocked()
    }

    pub fn note_confirm(&self) {
        self.confirmed.store(self.age(), Ordering::Relaxed);
    }

    /// The queue is full. A broker of 3.10 goes on refusing on a channel that it has once refused on, even when the
    /// queue's limit is gone, so a connection that has known nothing else for some time is replaced.
    pub fn note_refusal(&self) {
        let now = self.age();
        self.refused.store(now.max(1), Ordering::Relaxed);
        if now.saturating_sub(self.confirmed.load(Ordering::Relaxed)) > REFUSALS_MEAN_NOTHING_AFTER {
            self.give_up();
        }
    }

    /// The last that was heard, a moment ago, is that the queue is full.
    pub fn is_refusing(&self) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        let lately = self.age().saturating_sub(refused) < REFUSALS_MEAN_NOTHING_AFTER;
        refused > self.confirmed.load(Ordering::Relaxed) && lately
    }

    pub fn give_up(&self) {
        self.broken.cancel();
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Resolves when nothing at all was confirmed for that long: the connection is dead, though nobody said so.
    pub async fn silent_for(&self, patience: Duration) {
        loop {
            let asked = self.age();
            tokio::time::sleep(patience).await;
            if self.confirmed.load(Ordering::Relaxed) < asked {
                return;
            }
        }
    }
}

impl Link {
    /// The connection, when there is a good one.
    pub fn open(&self) -> Option<Arc<OpenLink>> {
        let open: Guard<Option<Arc<OpenLink>>> = self.open.load();
        open.as_ref().filter(|open| open.is_sound()).cloned()
    }

    /// Why there is none.
    pub fn trouble(&self) -> Option<Arc<String>> {
        self.trouble.load_full()
    }

    /// Keeps a connection open until the publisher closes.
    pub async fn keep(self: Arc<Self>, shared: Arc<Shared>) {
        let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_millis(500));
        let closing = shared.closing.clone();
        while let Some(opened) = closing.run_until_cancelled(open(&shared)).await {
            match opened {
                Ok((connection, open)) => {
                    pacing.start_over();
                    self.serve(&shared, connection, Arc::new(open)).await;
                }
                Err(error) => self.note(&shared, &error),
            }
            if closing.run_until_cancelled(pacing.pause()).await.is_none() {
                return;
            }
        }
    }

    async fn serve(&self, shared: &Shared, connection: Connection, open: Arc<OpenLink>) {
        if self.trouble.swap(None).is_some() {
            tracing::info!("connected to the broker again");
        }
        self.open.store(Some(Arc::clone(&open)));
        shared.opened.send_modify(|count| *count += 1);
        let reason = watch_over(shared, &connection, &open).await;
        self.open.store(None);
        // Whatever is wrong with it, the pool must not hand it out again.
        let connection = Connection::take(connection);
        match reason {
            Some(reason) => {
                tracing::warn!(amqp.trouble = reason, "connection to the broker given up");
                self.trouble.store(Some(Arc::new(reason)));
            }
            None => {
                let closing = connection.close(200, "done".into());
                // Late or not, the process is ending.
                let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
            }
        }
    }

    fn note(&self, shared: &Shared, error: &OpenError) {
        let text = error.to_string();
        if self
            .trouble
            .swap(Some(Arc::new(text.clone())))
            .is_none_or(|last| *last != text)
        {
            tracing::warn!(amqp.trouble = text, "the broker can't be used");
        }
        if let OpenError::Topology(TopologyError::Drift { object, difference }) = error
            && *shared.opened.borrow() == 0
        {
            let drift = TopologyError::Drift {
                object: object.clone(),
                difference: difference.clone(),
            };
            shared.drift.send_replace(Some(Arc::new(drift)));
        }
    }
}

async fn open(shared: &Shared) -> Result<(Connection, OpenLink), OpenError> {
    let connection = within(shared.open_timeout, shared.pool.get()).await?;
    let prepared = tokio::time::timeout(shared.open_timeout, prepare(&connection)).await;
    match prepared {
        Ok(Ok(open)) => Ok((connection, open)),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            // It answers to nothing, so it must not stay in the pool.
            drop(Connection::take(connection));
            Err(ConnectError::Timeout(shared.open_timeout).into())
        }
    }
}

async fn prepare(connection: &lapin::Connection) -> Result<OpenLink, OpenError> {
    topology::ensure(connection).await?;
    let mut channels = Vec::with_capacity(CHANNELS);
    for _ in 0..CHANNELS {
        channels.push(
            ConfirmChannel::open(connection)
                .await
                .map_err(ConnectError::from)?,
        );
    }
    Ok(OpenLink {
        connection: connection.status().clone(),
        channels,
        opened_at: Instant::now(),
        confirmed: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        broken: CancellationToken::new(),
        unroutable: Notify::new(),
    })
}

/// Returns why the connection is no good any more, or `None` when it is no longer wanted.
async fn watch_over(shared: &Shared, connection: &lapin::Connection, open: &OpenLink) -> Option<String> {
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            () = shared.closing.cancelled() => return None,
            () = open.broken.cancelled() => return Some("nothing is confirmed any more".to_owned()),
            () = open.unroutable.notified() => {
                match tokio::time::timeout(shared.open_timeout, topology::ensure(connection)).await {
                    Ok(Ok(())) => tracing::warn!("a message came back unroutable; topology declared again"),
                    Ok(Err(error)) => return Some(error.to_string()),
                    Err(_) => return Some("declaring the topology took too long".to_owned()),
                }
            }
            _ = looks.tick() => {
                if !open.is_sound() {
                    return Some("the connection was closed".to_owned());
                }
            }
        }
    }
}
