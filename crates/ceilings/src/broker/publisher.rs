//! Publishes as fast as the broker confirms, with a limited number of unconfirmed messages a channel.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt as _;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{Channel, Confirmation};

use super::messages::Messages;
use crate::Failure;

/// A channel that publishes every `step`th message, from number `first`.
pub struct Publisher {
    pub channel: Channel,
    pub exchange: ShortString,
    pub messages: Arc<Messages>,
    pub first: u64,
    pub step: u64,
}

/// Shared by the publishers and the measurement.
#[derive(Debug, Default)]
pub struct ConfirmCount {
    confirmed: AtomicU64,
    ended: AtomicBool,
}

impl ConfirmCount {
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Stops publishing; the publishers still wait for the messages in flight.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn add(&self, confirmed: u64) {
        self.confirmed.fetch_add(confirmed, Ordering::Relaxed);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Publisher {
    /// Publishes this publisher's `count`th message, and waits for its confirm.
    pub async fn publish(&self, count: u64) -> Result<(), Failure> {
        let options = BasicPublishOptions {
            mandatory: true,
            immediate: false,
        };
        let (notice, properties) = self.messages.get(self.first + count * self.step);
        let (exchange, key) = (self.exchange.clone(), notice.routing_key.clone());
        let sending = self
            .channel
            .basic_publish(exchange, key, options, &notice.body, properties);
        match sending.await?.await? {
            // An ack with a returned message means that no queue has stored it.
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => Err(Failure::Broken(
                format!("the broker returned a message: {}", returned.reply_text),
            )),
            Confirmation::Nack(None) | Confirmation::NotRequested => {
                Err(Failure::Broken("the broker refused a message".to_owned()))
            }
        }
    }

    /// Keeps `window` messages in flight until the measurement ends.
    ///
    /// The first poll of a publish queues it. To await the write, as usual, would pass every single message from this
    /// thread to lapin's and back. Only the oldest confirm is awaited: most confirms come several at once, so one
    /// wake-up finds many of them.
    pub async fn keep_in_flight(self, window: usize, confirms: Arc<ConfirmCount>) -> Result<(), Failure> {
        let mut in_flight = VecDeque::with_capacity(window);
        let mut count = 0;
        loop {
            while in_flight.len() < window && !confirms.has_ended() {
                let mut publish = Box::pin(self.publish(count));
                count += 1;
                match (&mut publish).now_or_never() {
                    Some(confirmed) => confirmed.map(|()| confirms.add(1))?,
                    None => in_flight.push_back(publish),
                }
            }
            let Some(oldest) = in_flight.front_mut() else {
                return Ok(());
            };
            oldest.await?;
            in_flight.pop_front();
            let mut confirmed = 1;
            while let Some(result) = in_flight.front_mut().and_then(|next| next.now_or_never()) {
                result?;
                in_flight.pop_front();
                confirmed += 1;
            }
            confirms.add(confirmed);
        }
    }
}
