//! Publishing as many as go through: a window of unconfirmed messages a channel.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::FutureExt as _;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{Channel, Confirmation};

use super::messages::Messages;
use crate::Failure;

/// A channel, and what is published on it: every `step`th message.
pub struct Lane {
    pub channel: Channel,
    pub exchange: ShortString,
    pub messages: Arc<Messages>,
    pub first: u64,
    pub step: u64,
}

/// What the lanes and who measures them tell each other.
#[derive(Debug, Default)]
pub struct Tally {
    confirmed: AtomicU64,
    ended: AtomicBool,
}

impl Tally {
    pub fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Nothing more is published; what is in flight is waited for.
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

impl Lane {
    /// Publishes the lane's `count`th message, and waits for its confirm.
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
            // Of an ack with a returned message nothing is stored.
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => Err(Failure::Broken(
                format!("the broker returned a message: {}", returned.reply_text),
            )),
            Confirmation::Nack(None) | Confirmation::NotRequested => {
                Err(Failure::Broken("the broker refused a message".to_owned()))
            }
        }
    }

    /// Keeps `window` messages in flight until the end is told.
    ///
    /// A publish is queued by its first poll. To await its being written, as is usual, would hand every single message
    /// from this thread to lapin's and back. And only the oldest is awaited: most confirms come several at once, so
    /// one wake-up finds many of them.
    pub async fn pump(self, window: usize, tally: Arc<Tally>) -> Result<(), Failure> {
        let mut flights = VecDeque::with_capacity(window);
        let mut count = 0;
        loop {
            while flights.len() < window && !tally.has_ended() {
                let mut flight = Box::pin(self.publish(count));
                count += 1;
                match (&mut flight).now_or_never() {
                    Some(confirmed) => confirmed.map(|()| tally.add(1))?,
                    None => flights.push_back(flight),
                }
            }
            let Some(oldest) = flights.front_mut() else {
                return Ok(());
            };
            oldest.await?;
            flights.pop_front();
            let mut confirmed = 1;
            while let Some(result) = flights.front_mut().and_then(|next| next.now_or_never()) {
                result?;
                flights.pop_front();
                confirmed += 1;
            }
            tally.add(confirmed);
        }
    }
}
