//! The channels of a connection in confirm mode, with one publish in flight on each.
//!
//! The client attributes a returned message to any one of the publishes that are confirmed together on a channel. With one
//! publish in flight there is only one candidate, so a return never reaches the wrong publish.

mod lease;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lapin::options::ConfirmSelectOptions;
use lapin::{BasicProperties, Channel, Connection};
use thiserror::Error;
use tokio::sync::Semaphore;

use lease::{InFlight, Lease};

/// A message and its destination.
#[derive(Debug, Clone)]
pub struct Message<'m> {
    /// The exchange.
    pub exchange: &'static str,
    /// The routing key.
    pub routing_key: Cow<'m, str>,
    /// The body, byte for byte.
    pub body: &'m [u8],
    /// Everything but the delivery mode, which is always persistent.
    pub properties: BasicProperties,
}

/// Why a message is not, or may not be, in a queue.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The queue is full, or the broker could not store the message.
    #[error("the broker refused the message")]
    Nacked,
    /// No queue is bound for it.
    #[error("the broker had no queue for the message ({code} {text})")]
    Unroutable {
        /// AMQP reply code, 312 for `NO_ROUTE`.
        code: u16,
        /// The broker's text.
        text: String,
    },
    /// A name or the properties are larger than the protocol or a frame allows: no fault of the connection.
    #[error("the message cannot be sent: {0}")]
    Invalid(lapin::Error),
    /// The connection or the channel ended first. The broker may or may not have stored the message.
    #[error("the broker did not confirm: {0}")]
    Broker(#[from] lapin::Error),
}

/// The channels of one connection. Safe to share between tasks; cloning shares the channels.
#[derive(Debug, Clone)]
pub struct ConfirmChannels(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connection: Arc<Connection>,
    /// Channels without a publish in flight. The last used comes first, so that few are in use.
    idle: Mutex<Vec<Channel>>,
    /// One permit for each publish that may be in flight.
    slots: Arc<Semaphore>,
    begun: AtomicU64,
    ended: AtomicU64,
}

impl From<xiebao_wire::PublishError> for PublishError {
    fn from(error: xiebao_wire::PublishError) -> Self {
        match error {
            xiebao_wire::PublishError::Nacked => Self::Nacked,
            xiebao_wire::PublishError::Unroutable(returned) => Self::Unroutable {
                code: returned.reply_code,
                text: returned.reply_text,
            },
            xiebao_wire::PublishError::Invalid(error) => Self::Invalid(error),
            xiebao_wire::PublishError::Broker(error) => Self::Broker(error),
        }
    }
}

impl ConfirmChannels {
    /// Channels of this connection, at most `most` of them, and no more than the broker allows. Opens one, so that a connection
    /// that cannot is noticed.
    ///
    /// # Errors
    /// When the broker opens no channel.
    pub async fn open(connection: Arc<Connection>, most: usize) -> Result<Self, lapin::Error> {
        // One for declarations, one for a channel that is closing; 0 means that there is no limit.
        let allowed = match usize::from(connection.configuration().channel_max()) {
            0 => most,
            allowed => most.min(allowed.saturating_sub(2)).max(1),
        };
        let shared = Shared {
            connection,
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(allowed)),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        };
        let channel = shared.new_channel().await?;
        shared.idle().push(channel);
        Ok(Self(Arc::new(shared)))
    }

    /// Publishes persistently and mandatorily, and waits until the broker has stored the message: `Ok` means that a queue
    /// has it. Has no timeout of its own. If the caller leaves, the channel stays busy until the confirm arrives, so that the
    /// next publish on it does not get that confirm.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self, message: &Message<'_>) -> Result<(), PublishError> {
        self.check(message).map_err(PublishError::Invalid)?;
        let mut lease = self.lease().await?;
        lease.send(message).await?;
        lease.confirmation().await
    }

    /// Checks that a frame can hold the message's names and properties, which the client does not.
    fn check(&self, message: &Message<'_>) -> Result<(), lapin::Error> {
        let frame_max = self.0.connection.configuration().frame_max();
        let to = (message.exchange, &*message.routing_key);
        xiebao_wire::check(to, &message.properties, frame_max)
    }

    /// The number of publishes that have ended, successfully or not.
    pub fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::Relaxed)
    }

    /// Returns `true` while at least one publish waits for a channel or for its confirm.
    pub fn is_waiting(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) > self.ended()
    }

    async fn lease(&self) -> Result<Lease, lapin::Error> {
        let shared = &self.0;
        let in_flight = InFlight::begin(shared);
        // The semaphore is never closed.
        let permit = Arc::clone(&shared.slots).acquire_owned().await.ok();
        let idle = shared.idle().pop();
        let channel = match idle {
            Some(channel) if channel.status().connected() => channel,
            _ => shared.new_channel().await?,
        };
        Ok(Lease::new(in_flight, channel, permit))
    }
}

impl Shared {
    async fn new_channel(&self) -> Result<Channel, lapin::Error> {
        let channel = self.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    fn put_back(&self, channel: Channel) {
        if channel.status().connected() {
            self.idle().push(channel);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Channel>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
