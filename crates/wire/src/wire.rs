//! The handle of a relay, and the state that both share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use lapin::types::ChannelId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::Outcome;

/// A command to the relay.
#[derive(Debug)]
pub(crate) enum Command {
    /// Handle the confirms of a channel that lapin has put into confirm mode.
    Adopt(ChannelId),
    Publish(Publish),
}

/// A message, encoded as frames.
#[derive(Debug)]
pub(crate) struct Publish {
    pub channel: ChannelId,
    pub frames: Vec<u8>,
    /// The `correlation_id` of the message. Identifies it if the broker returns it.
    pub correlation_id: u64,
    pub reply: oneshot::Sender<Outcome>,
}

/// The progress of the publishes on one connection, and its end. Cloning is cheap; clones share the connection.
#[derive(Debug, Clone)]
pub struct Wire {
    commands: mpsc::UnboundedSender<Command>,
    state: Arc<State>,
}

/// State that the relay shares with its handles.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Publishes sent to the relay, without those that it did not write.
    pub published: AtomicU64,
    /// Written publishes that have their outcome.
    pub resolved: AtomicU64,
    pub error: OnceLock<lapin::Error>,
    pub ended: CancellationToken,
    /// The runtime of the relay has shut down.
    pub runtime_ended: AtomicBool,
}

impl Wire {
    pub(crate) fn new(commands: mpsc::UnboundedSender<Command>, state: Arc<State>) -> Self {
        Self { commands, state }
    }

    pub(crate) fn adopt(&self, channel: ChannelId) {
        // If the relay has ended, the first publish on the channel fails.
        let _ = self.commands.send(Command::Adopt(channel));
    }

    /// Publishes on an adopted channel. The receiver gets the outcome; it fails if the connection ends before the outcome is
    /// known.
    pub(crate) fn publish(
        &self,
        channel: ChannelId,
        frames: Vec<u8>,
        correlation_id: u64,
    ) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        self.state.published.fetch_add(1, Ordering::Relaxed);
        let _ = self.commands.send(Command::Publish(Publish {
            channel,
            frames,
            correlation_id,
            reply,
        }));
        outcome
    }

    /// The number of publishes that have their outcome, good or bad.
    pub fn resolved(&self) -> u64 {
        self.state.resolved.load(Ordering::Relaxed)
    }

    /// Returns `true` while at least one publish waits for its confirm.
    pub fn is_waiting(&self) -> bool {
        self.state.published.load(Ordering::Relaxed) > self.resolved()
    }

    /// Is cancelled when the connection ends. To end the connection, cancel it.
    pub fn ended(&self) -> &CancellationToken {
        &self.state.ended
    }

    /// Returns `true` if the connection has ended because the Tokio runtime of its socket has shut down.
    pub fn lost_its_runtime(&self) -> bool {
        self.state.runtime_ended.load(Ordering::Relaxed)
    }

    /// The reason why the connection has ended. `None` while it lives.
    pub fn error(&self) -> Option<&lapin::Error> {
        self.state.error.get()
    }
}
