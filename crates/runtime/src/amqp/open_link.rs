//! A connection with its channel, while it is good.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lapin::ConnectionStatus;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::confirm::{ConfirmChannel, PublishError};
use super::connect::ConnectError;
use super::topology::Part;
use super::trouble::Trouble;
use super::wire::{Wire, Wired};

const DECLARED_WITHIN: Duration = Duration::from_secs(1);
/// In milliseconds.
const REFUSALS_MEAN_NOTHING_AFTER: u64 = 2_000;
/// In milliseconds: a connection that has lived so long was worth it, also without a confirm.
const USEFUL_AFTER: u64 = 5_000;

#[derive(Debug)]
pub(super) struct OpenLink {
    connection: ConnectionStatus,
    pub channel: ConfirmChannel,
    opened_at: Instant,
    /// When the last confirm came, in milliseconds since `opened_at`; 0: never.
    confirmed: AtomicU64,
    /// When the last message was refused, likewise.
    refused: AtomicU64,
    /// Why it was given up, by whoever found that out first.
    end: OnceLock<Trouble>,
    wire: Wire,
    /// Asks for the topology to be declared again.
    pub unroutable: Notify,
}

impl OpenLink {
    /// Declares its part of the topology and opens the channel. Where all was declared before, it goes on without an answer to
    /// that: a cluster of which one node is frozen declares nothing, but takes messages, and one that came to no queue
    /// comes back, being mandatory.
    pub async fn prepare(
        connection: &Wired,
        part: Part,
        declared_before: bool,
    ) -> Result<Self, ConnectError> {
        let declaring = part.ensure(connection);
        match declared_before {
            true => match tokio::time::timeout(DECLARED_WITHIN, declaring).await {
                Ok(outcome) => outcome?,
                Err(_) => tracing::warn!("the broker does not declare the topology; publishing without"),
            },
            false => declaring.await?,
        }
        Ok(Self {
            connection: connection.status().clone(),
            channel: ConfirmChannel::open(connection).await?,
            opened_at: Instant::now(),
            confirmed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            end: OnceLock::new(),
            wire: connection.wire().clone(),
            unroutable: Notify::new(),
        })
    }

    pub fn is_sound(&self) -> bool {
        !self.given_up().is_cancelled() && self.channel.is_open()
    }

    /// The broker reads nothing more from this connection, because it is short of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.connection.blocked()
    }

    /// Takes note of what became of a publish on this connection.
    pub fn note(&self, outcome: &Result<(), PublishError>) {
        match outcome {
            Ok(()) => self.note_confirm(),
            Err(PublishError::Unroutable(_)) => {
                self.note_confirm();
                self.unroutable.notify_one();
            }
            Err(PublishError::Nacked) => self.note_refusal(),
            // The channel is gone, or all of the connection.
            Err(error @ PublishError::Broker(_)) => self.give_up(Trouble::from(error)),
        }
    }

    fn note_confirm(&self) {
        self.confirmed.store(self.age().max(1), Ordering::Relaxed);
    }

    /// The queue is full. A broker of 3.10 goes on refusing on a channel that it has once refused on, even when the
    /// queue's limit is gone, so a connection that has known nothing else for some time is replaced.
    fn note_refusal(&self) {
        let now = self.age();
        self.refused.store(now.max(1), Ordering::Relaxed);
        if now.saturating_sub(self.confirmed.load(Ordering::Relaxed)) > REFUSALS_MEAN_NOTHING_AFTER {
            self.give_up(Trouble::Full);
        }
    }

    /// The last that was heard, a moment ago, is that the queue is full.
    pub fn is_refusing(&self) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        let lately = self.age().saturating_sub(refused) < REFUSALS_MEAN_NOTHING_AFTER;
        refused > self.confirmed.load(Ordering::Relaxed) && lately
    }

    pub fn give_up(&self, why: Trouble) {
        // The first reason is the true one; the others follow from it.
        let _ = self.end.set(why);
        self.given_up().cancel();
    }

    /// Why it is no good any more.
    pub fn end(&self) -> Trouble {
        let unsaid = || match self.wire.why() {
            Some(error) => Trouble::from(&PublishError::from(error.clone())),
            None => Trouble::Away("the connection was closed".to_owned()),
        };
        self.end.get().cloned().unwrap_or_else(unsaid)
    }

    /// Why a publish on it has failed: in its own words, or in those of who has given the connection up.
    pub fn end_or(&self, error: &PublishError) -> Trouble {
        match (error, self.end.get()) {
            (PublishError::Broker(_), Some(end)) => end.clone(),
            _ => Trouble::from(error),
        }
    }

    /// Cancelled when it is given up, by whomever, or has ended by itself. What is not confirmed by then fails.
    pub fn given_up(&self) -> &CancellationToken {
        self.wire.ended()
    }

    /// Whether it did any good, so that the next one may be opened without delay.
    pub fn was_useful(&self) -> bool {
        self.confirmed.load(Ordering::Relaxed) > 0 || self.age() > USEFUL_AFTER
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it has ended because the runtime has that it lived in.
    pub fn is_homeless(&self) -> bool {
        self.wire.is_homeless()
    }

    /// Begins to watch for silence.
    pub fn silence(&self) -> Silence {
        Silence {
            settled: self.wire.settled(),
            waiting_since: None,
        }
    }

    /// Takes a look. `true` when nothing at all was confirmed for that long, though something waits for it: the
    /// connection is dead, though nobody said so. One that the broker has blocked is not: another would be blocked too,
    /// and what waits in it is not lost.
    pub fn is_silent_for(&self, patience: Duration, silence: &mut Silence) -> bool {
        let settled = self.wire.settled();
        if settled != silence.settled || !self.wire.is_waiting() || self.is_blocked() {
            *silence = self.silence();
            return false;
        }
        let since = *silence.waiting_since.get_or_insert_with(Instant::now);
        since.elapsed() >= patience
    }
}

/// What was seen at the last looks for silence.
#[derive(Debug)]
pub(super) struct Silence {
    settled: u64,
    /// The first look at which something waited, if nothing was settled since.
    waiting_since: Option<Instant>,
}
