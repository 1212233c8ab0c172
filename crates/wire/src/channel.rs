//! A channel in confirm mode: the only way to publish past lapin.

use std::sync::atomic::{AtomicU64, Ordering};

use lapin::options::ConfirmSelectOptions;
use lapin::{BasicProperties, Channel};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::encode;
use crate::properties::Properties;
use crate::unconfirmed::Returned;
use crate::{Outcome, Wire, WiredConnection};

/// Every publish of the process gets its own correlation id, so that a returned message identifies its publish.
static CORRELATION_IDS: AtomicU64 = AtomicU64::new(0);

/// The reason why a message is not, or may not be, in a queue.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The queue is full, or the broker could not store the message.
    #[error("the broker refused the message")]
    Nacked,
    /// No queue is bound for it.
    #[error("the broker had no queue for the message ({} {})", .0.reply_code, .0.reply_text)]
    Unroutable(Box<Returned>),
    /// A name or the properties are larger than the protocol or a frame allows.
    #[error("the message cannot be sent: {0}")]
    Invalid(lapin::Error),
    /// The connection or the channel ended first. The message may or may not be stored.
    #[error("the broker did not confirm: {0}")]
    Broker(#[from] lapin::Error),
}

/// A channel in confirm mode, safe to share between tasks.
#[derive(Debug)]
pub struct ConfirmChannel {
    channel: Channel,
    wire: Wire,
    /// Largest frame that the broker accepts, in bytes.
    frame_max: usize,
}

/// A publish that is not confirmed yet. Holds neither the message nor the connection, and may be dropped at any time. It
/// gets an outcome when the connection ends or the broker closes the channel, at the latest.
#[derive(Debug)]
#[must_use = "only its confirm says whether the message is stored"]
struct Sent(oneshot::Receiver<Outcome>);

impl ConfirmChannel {
    /// Opens a channel and puts it into confirm mode.
    ///
    /// # Errors
    /// When the broker opens no channel.
    pub async fn open(connection: &WiredConnection) -> Result<Self, lapin::Error> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self {
            wire: connection.adopt(channel.id()),
            channel,
            frame_max: usize::try_from(connection.configuration().frame_max()).unwrap_or_default(),
        })
    }

    /// Returns `false` once lapin knows that the channel or its connection is closed.
    pub fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    /// Publishes a persistent, mandatory message and waits for its confirm. `Ok` means that a queue has stored the message.
    /// Overwrites `delivery_mode` and `correlation_id` of the properties. Has no timeout of its own: the owner of the
    /// connection notices a silent broker. A cancelled call leaves the message published or not.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        properties: &BasicProperties,
    ) -> Result<(), PublishError> {
        let properties = Properties::with_correlation_id(next_correlation_id(), properties);
        let properties = properties.map_err(PublishError::Invalid)?;
        let sent = self.send(exchange, routing_key, body, &properties);
        sent.map_err(PublishError::Invalid)?.confirmed().await
    }

    fn send(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        properties: &Properties,
    ) -> Result<Sent, lapin::Error> {
        let (channel, to) = (self.channel.id(), (exchange, routing_key));
        let frames = encode::publish(channel, to, body, &properties.bytes, self.frame_max)?;
        Ok(Sent(self.wire.publish(
            channel,
            frames,
            properties.correlation_id,
        )))
    }
}

/// Checks that a frame can hold the names and the properties of a message. `frame_max` is in bytes; 0: no limit.
///
/// # Errors
/// When one does not fit.
pub fn check(
    (exchange, routing_key): (&str, &str),
    properties: &BasicProperties,
    frame_max: u32,
) -> Result<(), lapin::Error> {
    let properties = Properties::with_correlation_id(u64::MAX, properties)?;
    let frame_max = usize::try_from(frame_max).unwrap_or_default();
    encode::publish(1, (exchange, routing_key), &[], &properties.bytes, frame_max).map(drop)
}

/// A correlation id that no other publish of this process has.
fn next_correlation_id() -> u64 {
    CORRELATION_IDS.fetch_add(1, Ordering::Relaxed)
}

impl Sent {
    pub async fn confirmed(self) -> Outcome {
        self.0.await.unwrap_or_else(|_| {
            let gone = std::io::Error::from(std::io::ErrorKind::NotConnected);
            Err(PublishError::Broker(gone.into()))
        })
    }
}
