//! Publishes envelopes through pooled connections, riding out a broker that goes away, within a hard bound.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use lapin::BasicProperties;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::Envelope;
use xiebao_core::reason::Reason;

use super::confirm::next_mark;
use super::connect::{ConnectError, nodes};
use super::home;
use super::link::{Link, Shared};
use super::message::{Message, Outgoing, Way};
use super::routes::Routes;
use super::topology::{Part, TopologyError};
use super::trouble::Trouble;
use super::wire::Properties;
use crate::config::AmqpConfig;

/// So many dead connections, one after the other, leave time within the bound for a good one. With more connections
/// there is more traffic, which finds them dead at the same time.
const MOST_FOUND_DEAD: usize = 3;

/// How long closing the connections may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The broker did not confirm in time. Whether it has the message is not known.
#[derive(Debug, Error)]
#[error("the broker did not confirm within {timeout:?}: {trouble}")]
pub struct Unavailable {
    pub timeout: Duration,
    pub trouble: Trouble,
}

/// Takes envelopes and nothing else: what is not verified can't be published.
#[derive(Debug)]
pub struct Publisher {
    routes: Routes,
    keepers: Mutex<JoinSet<()>>,
}

impl Publisher {
    /// Starts connecting, and returns at once. `timeout` bounds every publish. Must be called inside the Tokio
    /// runtime that the connections will live in.
    ///
    /// # Errors
    /// When the address can't be used at all.
    pub fn start(
        config: &AmqpConfig,
        name: &str,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let publisher = Self::start_homeless(config, name, connections, timeout)?;
        publisher.house_here();
        Ok(publisher)
    }

    /// The same with one connection, for records of what was refused and nothing else: it declares what these need, and
    /// what is wrong with that is no drift.
    ///
    /// # Errors
    /// When the address can't be used at all.
    pub fn start_record(config: &AmqpConfig, name: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let publisher = Self::start_part(config, name, Part::Record, 1, timeout)?;
        publisher.house_here();
        Ok(publisher)
    }

    fn house_here(&self) {
        let here = Handle::current();
        for link in &self.routes.links {
            link.take_host(&here, false);
        }
    }

    /// The same, but connections do not open before they are given a home by [`Self::house_one_here`].
    ///
    /// # Errors
    /// When the address can't be used at all.
    pub fn start_homeless(
        config: &AmqpConfig,
        name: &str,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        Self::start_part(config, name, Part::Notices, connections, timeout)
    }

    fn start_part(
        config: &AmqpConfig,
        name: &str,
        part: Part,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let nodes = nodes(config, name)?;
        let patience = timeout / u32::try_from(connections.min(MOST_FOUND_DEAD) + 1).unwrap_or(u32::MAX);
        let shared = Arc::new(Shared {
            addresses: nodes.iter().map(|node| node.address.clone()).collect(),
            nodes,
            part,
            open_timeout: config.connect_timeout,
            patience,
            opened: watch::Sender::new(0),
            drift: watch::Sender::new(None),
            closing: CancellationToken::new(),
            runtime: Handle::current(),
        });
        let links: Vec<Arc<Link>> = (0..connections).map(|_| Arc::default()).collect();
        let mut keepers = JoinSet::new();
        // Each begins with another address, and each process with any one.
        let first = rand::random_range(0..shared.addresses.len());
        for (number, link) in links.iter().enumerate() {
            keepers.spawn(Arc::clone(link).keep(Arc::clone(&shared), first + number));
        }
        let routes = Routes {
            links,
            shared,
            turn: AtomicUsize::new(0),
            timeout,
        };
        Ok(Self {
            routes,
            keepers: Mutex::new(keepers),
        })
    }

    /// Lets one of the connections live in the Tokio runtime of this thread, which must be a runtime of this thread
    /// alone, for as long as the thread lives. What the thread publishes goes to that connection, as long as it is good:
    /// neither the publish nor its confirm has to be handed to another thread then.
    pub fn house_one_here(&self) {
        home::take_one_of(&self.routes.links, &self.routes.shared.runtime);
    }

    /// Publishes to `xiebao.notices`. `Ok`: a quorum queue has it.
    pub async fn publish(&self, envelope: &Envelope) -> Result<(), Unavailable> {
        self.routes
            .publish(Message {
                envelope,
                way: Way::Forth,
            })
            .await
    }

    /// Publishes to where it waits for the next attempt. `Ok`: a quorum queue has it.
    pub async fn publish_retry(
        &self,
        envelope: &Envelope,
        attempts: &Attempts,
        delay: Delay,
    ) -> Result<(), Unavailable> {
        self.routes
            .publish(Message {
                envelope,
                way: Way::Again(attempts, delay),
            })
            .await
    }

    /// Publishes to `xiebao.dead` with the reason and what was attempted. `Ok`: a quorum queue has it.
    pub async fn publish_dead(
        &self,
        envelope: &Envelope,
        reason: Reason,
        detail: &str,
        attempts: &Attempts,
    ) -> Result<(), Unavailable> {
        self.routes
            .publish(Message {
                envelope,
                way: Way::Away(reason, detail, attempts),
            })
            .await
    }

    pub(super) async fn publish_as_it_is(
        &self,
        exchange: &'static str,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), Unavailable> {
        let properties = Properties::marked(next_mark(), properties).map_err(|error| Unavailable {
            timeout: Duration::ZERO,
            trouble: Trouble::Refused(error.to_string()),
        })?;
        let routing_key = routing_key.into();
        self.routes
            .publish(Outgoing {
                exchange,
                routing_key,
                body,
                properties,
            })
            .await
    }

    /// `Err`: why nothing can be published now.
    pub fn ready(&self) -> Result<(), String> {
        self.routes.ready()
    }

    /// Connections that are open and sound now.
    pub fn connections(&self) -> usize {
        let links = self.routes.links.iter();
        links.filter(|link| link.open().is_some()).count()
    }

    /// Resolves when the first look at the broker finds a topology that differs; never once a connection was good.
    pub async fn drifted(&self) -> Arc<TopologyError> {
        let mut drift = self.routes.shared.drift.subscribe();
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
        let mut opened = self.routes.shared.opened.subscribe();
        while self.routes.links.iter().all(|link| link.open().is_none()) {
            // The sender lives as long as `self`.
            if opened.changed().await.is_err() {
                return;
            }
        }
    }

    /// Closes all connections, so that the broker sees them end well.
    pub async fn close(&self) {
        self.close_within(FAREWELL).await;
    }

    /// The same with another bound on it.
    pub async fn close_within(&self, bound: Duration) {
        let deadline = Instant::now() + bound;
        self.routes.shared.closing.cancel();
        let mut keepers = self.keepers.lock().await;
        let farewell = async { while keepers.join_next().await.is_some() {} };
        // What did not part in time is parted from.
        let _ = timeout_at(deadline, farewell).await;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.routes.shared.closing.cancel();
    }
}
