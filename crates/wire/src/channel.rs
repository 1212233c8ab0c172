//! A channel in confirm mode. The one way by which anything is published.

use std::sync::atomic::{AtomicU64, Ordering};

use lapin::options::ConfirmSelectOptions;
use lapin::{BasicProperties, Channel};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::encode;
use crate::properties::Properties;
use crate::unconfirmed::Returned;
use crate::{Outcome, Wire, WiredConnection};

/// Marks every publish, so that a message that comes back tells whose it was.
static CORRELATION_IDS: AtomicU64 = AtomicU64::new(0);

/// Why a message is not, or not surely, in a queue.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The queue is full, or the broker could not store the message.
    #[error("the broker refused the message")]
    Nacked,
    /// No queue is bound for it.
    #[error("the broker had no queue for the message ({} {})", .0.reply_code, .0.reply_text)]
    Unroutable(Box<Returned>),
    /// Whether it was stored is not known.
    #[error("the broker did not confirm: {0}")]
    Broker(#[from] lapin::Error),
}

/// A channel in confirm mode, safe to share between tasks.
#[derive(Debug)]
pub struct ConfirmChannel {
    channel: Channel,
    wire: Wire,
    /// In bytes.
    frame_max: usize,
}

/// A publish that is not confirmed yet. Holds neither the message nor the connection, and may be dropped at any time. It
/// finds its end at the latest with the connection, or when the broker closes the channel.
#[derive(Debug)]
#[must_use = "whether a message was stored is known only to who awaits its confirm"]
struct Sent(oneshot::Receiver<Outcome>);

impl ConfirmChannel {
    pub async fn open(connection: &WiredConnection) -> Result<Self, lapin::Error> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self {
            wire: connection.adopt(channel.id()),
            channel,
            frame_max: usize::try_from(connection.configuration().frame_max()).unwrap_or_default(),
        })
    }

    /// Whether the broker still has the channel, as far as the client knows.
    pub fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    /// Publishes persistently and mandatorily, and waits until the broker has stored the message: `Ok` means that a
    /// queue has it. Has no time-out of its own: a broker that falls silent is noticed elsewhere.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), PublishError> {
        let properties = Properties::with_correlation_id(next_correlation_id(), properties)?;
        self.send(exchange, routing_key, body, &properties)?
            .confirmed()
            .await
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

/// A correlation_id that no other publish of this process has.
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
