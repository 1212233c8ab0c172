//! Publishes messages through connections that are kept open, riding out a broker that goes away, within a hard bound.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, ConnectError, Settings};
use crate::confirm_channels::Message;
use crate::connection_pool::ConnectionPool;
use crate::pinning;
use crate::pooled_connection::{PooledConnection, Shared, Way};
use crate::size_limit::SizeLimit;
use crate::topology::{Part, TopologyError};
use crate::trouble::Trouble;

/// This many dead connections, one after the other, leave time within the bound for a good one. With more connections
/// there is more traffic, which finds them dead at the same time.
const MOST_FOUND_DEAD: usize = 3;

/// How long closing the connections may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The broker did not confirm in time, and may or may not have the message; or it will never take it.
#[derive(Debug, Error)]
pub struct Unavailable {
    /// The bound that has passed.
    pub timeout: Duration,
    /// The obstacle, as far as it is known.
    pub trouble: Trouble,
}

impl Unavailable {
    /// Returns `true` if the message can't be published at any time, and the broker does not have it.
    pub fn is_final(&self) -> bool {
        matches!(self.trouble, Trouble::Unsendable(_))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { timeout, trouble } = self;
        match trouble {
            Trouble::Unsendable(_) => trouble.fmt(f),
            _ => write!(f, "the broker did not confirm within {timeout:?}: {trouble}"),
        }
    }
}

/// Publishes with confirms.
#[derive(Debug)]
pub struct Publisher {
    pool: ConnectionPool,
    keepers: Mutex<JoinSet<()>>,
}

impl Publisher {
    /// Starts connecting, and returns at once. `part` is declared by each connection; `timeout` bounds every publish. Must be
    /// called inside the Tokio runtime that the connections will live in.
    ///
    /// # Errors
    /// When an address can't be used at all.
    pub fn start(
        settings: &Settings,
        name: &str,
        part: Part,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        Self::start_by(Way::Lapin, settings, name, part, connections, timeout)
    }

    /// Starts a publisher whose connections each wait for a thread: see [`pin_to_this_thread`](Self::pin_to_this_thread).
    /// Publishes on them go past the client library.
    ///
    /// # Errors
    /// When an address can't be used at all.
    pub fn start_unpinned(
        settings: &Settings,
        name: &str,
        part: Part,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let way = Way::Wire {
            fallback: Handle::current(),
        };
        Self::start_by(way, settings, name, part, connections, timeout)
    }

    /// Pins one of the connections to this thread, whose Tokio runtime must be its own, for as long as the thread lives. The
    /// publishes of the thread go to that connection while it can be used: neither a publish nor its confirm is handed
    /// to another thread then.
    pub fn pin_to_this_thread(&self) {
        if let Way::Wire { fallback } = &self.pool.shared.way {
            pinning::pin_one_of(&self.pool.connections, fallback);
        }
    }

    fn start_by(
        way: Way,
        settings: &Settings,
        name: &str,
        part: Part,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let broker = Broker::new(settings, name, connections)?;
        let patience = timeout / u32::try_from(connections.min(MOST_FOUND_DEAD) + 1).unwrap_or(u32::MAX);
        // Each connection begins with another node, and each process with a random one.
        let first = rand::random_range(0..broker.addresses().len());
        let shared = Arc::new(Shared {
            broker,
            way,
            part,
            patience,
            opened: watch::Sender::new(0),
            drift: watch::Sender::new(None),
            closing: CancellationToken::new(),
            size_limit: SizeLimit::default(),
        });
        let places: Vec<Arc<PooledConnection>> = (0..connections).map(|_| Arc::default()).collect();
        let mut keepers = JoinSet::new();
        for (number, place) in places.iter().enumerate() {
            keepers.spawn(Arc::clone(place).keep(Arc::clone(&shared), first + number));
        }
        let pool = ConnectionPool {
            connections: places,
            shared,
            turn: AtomicUsize::new(0),
            timeout,
        };
        Ok(Self {
            pool,
            keepers: Mutex::new(keepers),
        })
    }

    /// Publishes a message. `Ok`: a quorum queue has it.
    ///
    /// # Errors
    /// When the broker did not confirm within the bound; it may or may not have the message. At once when it will never take
    /// the message.
    pub async fn publish(&self, message: &Message<'_>) -> Result<(), Unavailable> {
        self.pool.publish(message).await
    }

    /// `Err`: why nothing can be published now.
    ///
    /// # Errors
    /// The [`Trouble`] as text.
    pub fn ready(&self) -> Result<(), String> {
        self.pool.ready()
    }

    /// The number of connections that can be used now.
    pub fn connections(&self) -> usize {
        self.pool.open().len()
    }

    /// Resolves when the first look at the broker finds a topology that differs; never once a connection was good.
    pub async fn drifted(&self) -> Arc<TopologyError> {
        let mut drift = self.pool.shared.drift.subscribe();
        let found = drift
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|found| found.clone());
        match found {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Resolves as soon as something can be published.
    pub async fn opened(&self) {
        let mut opened = self.pool.shared.opened.subscribe();
        while self.pool.open().is_empty() {
            // The sender lives as long as `self`.
            if opened.changed().await.is_err() {
                return;
            }
        }
    }

    /// Closes all connections, so that the broker sees a proper end.
    pub async fn close(&self) {
        self.close_within(CLOSE_WITHIN).await;
    }

    /// Closes all connections, and abandons those that did not close in time.
    pub async fn close_within(&self, bound: Duration) {
        let deadline = Instant::now() + bound;
        self.pool.shared.closing.cancel();
        let mut keepers = self.keepers.lock().await;
        let closed = async { while keepers.join_next().await.is_some() {} };
        let _ = timeout_at(deadline, closed).await;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.pool.shared.closing.cancel();
    }
}
