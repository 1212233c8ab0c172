//! Publishing of notices: verified, requeued or handed-back ones, dead letters and retries; and of records of refused requests.
//! The types let through nothing else: an [`Envelope`] comes from a verified notice or from a message of a queue.

mod hand_back;
mod message;
mod refused;

use std::sync::Arc;
use std::time::Duration;

use xiebao_amqp::topology::{Part, TopologyError};
use xiebao_amqp::{ConnectError, Publisher, Unavailable};
use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::Envelope;
use xiebao_core::reason::Reason;

use crate::config::AmqpConfig;
use message::{Destination, message};

/// Publishes notices. Every method returns `Ok` only when a quorum queue has the message, and fails when the broker did not
/// confirm within the bound; whether it has the message is then not known.
#[derive(Debug)]
pub struct NoticePublisher(Publisher);

impl NoticePublisher {
    /// Starts connecting, and returns at once. `name` is what the broker's own tools call the connections; `timeout` bounds
    /// every publish. Must be called inside the Tokio runtime that the connections will live in.
    ///
    /// # Errors
    /// When an address can't be used at all.
    pub fn start(
        config: &AmqpConfig,
        name: &str,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let publisher = Publisher::start(&config.settings(), name, Part::Notices, connections, timeout)?;
        Ok(Self(publisher))
    }

    /// Starts a publisher for threads that serve requests: each pins a connection to itself with
    /// [`pin_to_this_thread`](Self::pin_to_this_thread).
    ///
    /// # Errors
    /// When an address can't be used at all.
    pub fn start_unpinned(
        config: &AmqpConfig,
        name: &str,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let settings = config.settings();
        let publisher = Publisher::start_unpinned(&settings, name, Part::Notices, connections, timeout)?;
        Ok(Self(publisher))
    }

    /// Pins one of the connections to this thread, whose Tokio runtime must be its own.
    pub fn pin_to_this_thread(&self) {
        self.0.pin_to_this_thread();
    }

    /// Publishes to `xiebao.notices`.
    ///
    /// # Errors
    /// See [`NoticePublisher`].
    pub async fn publish(&self, envelope: &Envelope) -> Result<(), Unavailable> {
        self.0.publish(&message(envelope, Destination::Notices)).await
    }

    /// Publishes to the exchange in which the notice waits for its next attempt.
    ///
    /// # Errors
    /// See [`NoticePublisher`].
    pub async fn publish_retry(
        &self,
        envelope: &Envelope,
        attempts: &Attempts,
        delay: Delay,
    ) -> Result<(), Unavailable> {
        let destination = Destination::Retry { attempts, delay };
        self.0.publish(&message(envelope, destination)).await
    }

    /// Publishes to `xiebao.dead` with the reason and the attempts.
    ///
    /// # Errors
    /// See [`NoticePublisher`].
    pub async fn publish_dead(
        &self,
        envelope: &Envelope,
        reason: Reason,
        detail: &str,
        attempts: &Attempts,
    ) -> Result<(), Unavailable> {
        let destination = Destination::DeadLetters {
            reason,
            detail,
            attempts,
        };
        self.0.publish(&message(envelope, destination)).await
    }

    /// `Err`: why nothing can be published now.
    ///
    /// # Errors
    /// The trouble in words.
    pub fn ready(&self) -> Result<(), String> {
        self.0.ready()
    }

    /// How many connections can be used now.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// Resolves when the first look at the broker finds a topology that differs; never once a connection was good.
    pub async fn drifted(&self) -> Arc<TopologyError> {
        self.0.drifted().await
    }

    /// Resolves as soon as something can be published.
    pub async fn opened(&self) {
        self.0.opened().await;
    }

    /// Closes all connections, so that the broker sees a proper end.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// Closes all connections, and abandons those that did not close in time.
    pub async fn close_within(&self, bound: Duration) {
        self.0.close_within(bound).await;
    }
}

/// Publishes records of refused requests, on a connection of its own that declares `xiebao.refused` alone: a fault there
/// never affects a notice.
#[derive(Debug)]
pub struct RefusedPublisher(Publisher);

impl RefusedPublisher {
    /// Starts connecting, and returns at once.
    ///
    /// # Errors
    /// When an address can't be used at all.
    pub fn start(config: &AmqpConfig, name: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let publisher = Publisher::start(&config.settings(), name, Part::Record, 1, timeout)?;
        Ok(Self(publisher))
    }

    /// Closes the connection, and abandons it if it does not close in time.
    pub async fn close_within(&self, bound: Duration) {
        self.0.close_within(bound).await;
    }
}
