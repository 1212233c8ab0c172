//! A channel in confirm mode. The one way by which anything is published.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection, PublisherConfirm};
use thiserror::Error;

const PERSISTENT: u8 = 2;

/// Why a message is not, or not surely, in a queue.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The queue is full, or the broker could not store the message.
    #[error("the broker refused the message")]
    Nacked,
    /// No queue is bound for it.
    #[error("the broker had no queue for the message ({})", reply(.0))]
    Unroutable(Box<BasicReturnMessage>),
    /// The message of another publish came back, whose publisher was told `Ok`: it must be published again. Whether
    /// this one was stored is not known. See [`ConfirmChannel::publish`].
    #[error("the broker had no queue for another message ({})", reply(.0))]
    Strange(Box<BasicReturnMessage>),
    /// Whether it was stored is not known.
    #[error("the broker did not confirm: {0}")]
    Broker(#[from] lapin::Error),
}

fn reply(returned: &BasicReturnMessage) -> String {
    format!("{} {}", returned.reply_code, returned.reply_text)
}

/// A channel in confirm mode, safe to share between tasks.
#[derive(Debug)]
pub struct ConfirmChannel {
    channel: Channel,
    /// lapin takes the number of a publish and queues its frames in two steps. Two tasks between them would swap
    /// their numbers, and each would get the other's confirm.
    order: Mutex<()>,
    /// Marks every publish, so that a message that comes back tells whose it was.
    marks: AtomicU64,
}

/// A publish that is not confirmed yet. Holds neither the message nor the connection.
#[derive(Debug)]
#[must_use = "a message that comes back to a confirm that nobody awaits is lost"]
pub(super) struct Sent {
    confirm: PublisherConfirm,
    mark: ShortString,
}

impl ConfirmChannel {
    pub async fn open(connection: &Connection) -> Result<Self, lapin::Error> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self {
            channel,
            order: Mutex::new(()),
            marks: AtomicU64::new(0),
        })
    }

    /// Whether the broker still has the channel, as far as the client knows.
    pub fn is_open(&self) -> bool {
        self.channel.status().connected()
    }

    /// Publishes persistently and mandatorily, and waits until the broker has stored the message: `Ok` means that a
    /// queue has it. Has no time-out of its own, and may wait for ever: lapin can hang when the server closes.
    ///
    /// A broker may confirm several messages at once, and lapin gives a returned message to any one of them. Who
    /// gets [`PublishError::Strange`] holds a message whose publisher was told `Ok`, and must publish it again
    /// ([`super::Publisher`] does). For that a publish must be awaited to its end: what lapin gives to a confirm that
    /// was dropped is lost.
    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), PublishError> {
        let sent = self.send(exchange, routing_key, body, properties).await?;
        sent.confirmed().await
    }

    pub(super) async fn send(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<Sent, lapin::Error> {
        let options = BasicPublishOptions {
            mandatory: true,
            immediate: false,
        };
        let mark = ShortString::from(self.marks.fetch_add(1, Ordering::Relaxed).to_string());
        let properties = properties
            .with_delivery_mode(PERSISTENT)
            .with_correlation_id(mark.clone());
        let mut sending =
            pin!(
                self.channel
                    .basic_publish(exchange.into(), routing_key.into(), options, body, properties)
            );
        let first = poll_fn(|context| {
            let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
            Poll::Ready(sending.as_mut().poll(context))
        });
        let confirm = match first.await {
            Poll::Ready(sent) => sent,
            Poll::Pending => sending.await,
        }?;
        Ok(Sent { confirm, mark })
    }
}

impl Sent {
    pub async fn confirmed(self) -> Result<(), PublishError> {
        match self.confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                let own = *returned.properties.correlation_id() == Some(self.mark);
                let returned = Box::new(returned);
                Err(match own {
                    true => PublishError::Unroutable(returned),
                    false => PublishError::Strange(returned),
                })
            }
            Confirmation::Nack(None) | Confirmation::NotRequested => Err(PublishError::Nacked),
        }
    }
}
