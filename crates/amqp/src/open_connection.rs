//! A connection with its channels, while it can be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::Connection;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use xiebao_wire::{ConfirmChannel, WiredConnection};

use crate::broker::ConnectError;
use crate::confirm_channels::{ConfirmChannels, Message, PublishError};
use crate::topology::Part;
use crate::trouble::Trouble;

/// Publishes in flight on one connection.
const MOST_IN_FLIGHT: usize = 128;

const DECLARED_WITHIN: Duration = Duration::from_secs(1);

/// In milliseconds.
const REFUSALS_EXPIRE_AFTER: u64 = 2_000;

/// In milliseconds: a connection that lived so long was useful, also without a confirm.
const USEFUL_AFTER: u64 = 5_000;

/// Bound on closing a connection that is given up.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// How messages are published on a connection.
#[derive(Debug)]
enum Writer {
    /// By lapin.
    Channels {
        connection: Arc<Connection>,
        channels: ConfirmChannels,
    },
    /// Past lapin, by a task of the thread that publishes.
    Wire {
        connection: Arc<WiredConnection>,
        channel: ConfirmChannel,
    },
}

/// A connection on which nothing was published yet.
#[derive(Debug)]
pub(crate) enum NewConnection {
    /// For publishing by lapin.
    Plain(Connection),
    /// For publishing past lapin.
    Wired(WiredConnection),
}

#[derive(Debug)]
pub(crate) struct OpenConnection {
    writer: Writer,
    opened_at: Instant,
    /// When the last confirm came, in milliseconds since `opened_at`; 0: never.
    confirmed_at: AtomicU64,
    /// When the last message was refused, in milliseconds since `opened_at`; 0: never.
    refused_at: AtomicU64,
    /// Why the connection was given up. Only the first reason is kept: later ones follow from it.
    end: OnceLock<Trouble>,
    given_up: CancellationToken,
    /// Asks for the topology to be declared again.
    pub unroutable: Notify,
}

impl OpenConnection {
    /// Declares its part of the topology and opens a channel. Where the topology was declared before, it does not wait long
    /// for the answer: a cluster with one frozen node declares nothing but takes messages, and a message that reaches no
    /// queue comes back, because it is mandatory.
    pub async fn prepare(
        connection: NewConnection,
        part: Part,
        declared_before: bool,
    ) -> Result<Self, ConnectError> {
        let declaration = part.ensure(connection.lapin());
        match declared_before {
            true => match timeout(DECLARED_WITHIN, declaration).await {
                Ok(outcome) => outcome?,
                Err(_) => tracing::warn!(
                    "the broker does not declare the topology; publishing continues without it"
                ),
            },
            false => declaration.await?,
        }
        let writer = connection.into_writer().await?;
        Ok(Self {
            given_up: match &writer {
                Writer::Channels { .. } => CancellationToken::new(),
                Writer::Wire { connection, .. } => connection.wire().ended().clone(),
            },
            writer,
            opened_at: Instant::now(),
            confirmed_at: AtomicU64::new(0),
            refused_at: AtomicU64::new(0),
            end: OnceLock::new(),
            unroutable: Notify::new(),
        })
    }

    /// The client's connection.
    pub fn connection(&self) -> &Connection {
        match &self.writer {
            Writer::Channels { connection, .. } => connection,
            Writer::Wire { connection, .. } => connection,
        }
    }

    /// Publishes, and waits for the confirm.
    pub async fn publish(&self, message: &Message<'_>) -> Result<(), PublishError> {
        match &self.writer {
            Writer::Channels { channels, .. } => channels.publish(message).await,
            Writer::Wire { channel, .. } => {
                let properties = &message.properties;
                let (exchange, routing_key) = (message.exchange, &*message.routing_key);
                Ok(channel
                    .publish(exchange, routing_key, message.body, properties)
                    .await?)
            }
        }
    }

    fn ended(&self) -> u64 {
        match &self.writer {
            Writer::Channels { channels, .. } => channels.ended(),
            Writer::Wire { connection, .. } => connection.wire().resolved(),
        }
    }

    fn is_waiting(&self) -> bool {
        match &self.writer {
            Writer::Channels { channels, .. } => channels.is_waiting(),
            Writer::Wire { connection, .. } => connection.wire().is_waiting(),
        }
    }

    /// Returns `true` if the connection has ended because the runtime of its thread has shut down.
    pub fn lost_its_runtime(&self) -> bool {
        match &self.writer {
            Writer::Channels { .. } => false,
            Writer::Wire { connection, .. } => connection.wire().lost_its_runtime(),
        }
    }

    /// Returns `true` if messages may be published on the connection.
    pub fn is_sound(&self) -> bool {
        let channel_is_open = match &self.writer {
            Writer::Channels { .. } => true,
            Writer::Wire { channel, .. } => channel.is_open(),
        };
        !self.given_up.is_cancelled() && channel_is_open && self.connection().status().connected()
    }

    /// Returns `true` while the broker reads nothing from this connection because it is short of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.connection().status().blocked()
    }

    /// Records the outcome of a publish on this connection.
    pub fn note(&self, outcome: &Result<(), PublishError>) {
        match outcome {
            Ok(()) => self.note_confirm(),
            Err(PublishError::Unroutable { .. }) => {
                self.note_confirm();
                self.unroutable.notify_one();
            }
            Err(PublishError::Nacked) => self.note_refusal(),
            Err(PublishError::Invalid(_)) => {}
            // The channel is closed, or the whole connection.
            Err(error @ PublishError::Broker(_)) => self.give_up(Trouble::from(error)),
        }
    }

    fn note_confirm(&self) {
        self.confirmed_at.store(self.age().max(1), Ordering::Relaxed);
    }

    /// The queue is full. A broker of 3.10 goes on refusing on a channel on which it has refused once, even after the
    /// queue's limit is gone, so a connection that has seen nothing else for some time is replaced.
    fn note_refusal(&self) {
        let now = self.age();
        self.refused_at.store(now.max(1), Ordering::Relaxed);
        if now.saturating_sub(self.confirmed_at.load(Ordering::Relaxed)) > REFUSALS_EXPIRE_AFTER {
            self.give_up(Trouble::Full);
        }
    }

    /// Returns `true` if the newest outcome is a refusal and still recent.
    pub fn is_refusing(&self) -> bool {
        let refused_at = self.refused_at.load(Ordering::Relaxed);
        let is_recent = self.age().saturating_sub(refused_at) < REFUSALS_EXPIRE_AFTER;
        refused_at > self.confirmed_at.load(Ordering::Relaxed) && is_recent
    }

    /// Ends its use. Unconfirmed publishes fail at once, so that they are published again elsewhere.
    pub fn give_up(&self, why: Trouble) {
        let _ = self.end.set(why);
        self.given_up.cancel();
    }

    /// Closes the connection, as far as the broker answers within the bound.
    pub async fn close(&self, reason: &str) {
        let _ = timeout(CLOSE_WITHIN, self.connection().close(200, reason.into())).await;
    }

    /// Why it can't be used any more.
    pub fn end(&self) -> Trouble {
        let why = match &self.writer {
            Writer::Channels { .. } => None,
            Writer::Wire { connection, .. } => connection.wire().error(),
        };
        let unsaid = || match why {
            Some(error) => Trouble::from(&PublishError::from(error.clone())),
            None => Trouble::Away("the connection was closed".to_owned()),
        };
        self.end.get().cloned().unwrap_or_else(unsaid)
    }

    /// Why a publish on it has failed: its own error, or the reason for which the connection was given up.
    pub fn end_or(&self, error: &PublishError) -> Trouble {
        match (error, self.end.get()) {
            (PublishError::Broker(_), Some(end)) => end.clone(),
            _ => Trouble::from(error),
        }
    }

    /// Cancelled when the connection is given up.
    pub fn given_up(&self) -> &CancellationToken {
        &self.given_up
    }

    /// Returns `true` if a publish was confirmed or the connection lived long enough. The next connection may then be opened
    /// without delay.
    pub fn was_useful(&self) -> bool {
        self.confirmed_at.load(Ordering::Relaxed) > 0 || self.age() > USEFUL_AFTER
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Begins to watch for silence.
    pub fn silence(&self) -> Silence {
        Silence {
            ended: self.ended(),
            waiting_since: None,
        }
    }

    /// `true` when no publish has ended for `patience` although one waits: the connection is dead without an error.
    /// A blocked connection is not dead: another would be blocked too, and the messages that wait in it are not lost.
    pub fn is_silent_for(&self, patience: Duration, silence: &mut Silence) -> bool {
        let ended = self.ended();
        if ended != silence.ended || !self.is_waiting() || self.is_blocked() {
            *silence = self.silence();
            return false;
        }
        let since = *silence.waiting_since.get_or_insert_with(Instant::now);
        since.elapsed() >= patience
    }
}

impl NewConnection {
    fn lapin(&self) -> &Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Wired(connection) => connection,
        }
    }

    async fn into_writer(self) -> Result<Writer, lapin::Error> {
        Ok(match self {
            Self::Plain(connection) => {
                let connection = Arc::new(connection);
                let channels = ConfirmChannels::open(Arc::clone(&connection), MOST_IN_FLIGHT).await?;
                Writer::Channels { connection, channels }
            }
            Self::Wired(connection) => Writer::Wire {
                channel: ConfirmChannel::open(&connection).await?,
                connection: Arc::new(connection),
            },
        })
    }
}

/// The state at the last check for silence.
#[derive(Debug)]
pub(crate) struct Silence {
    ended: u64,
    /// The first check at which a publish waited, if none has ended since.
    waiting_since: Option<Instant>,
}
