//! The connections of a publisher, and how a message finds the next one that can be used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::confirm_channels::{Message, PublishError};
use crate::open_connection::OpenConnection;
use crate::pacing::Pacing;
use crate::pinning;
use crate::pooled_connection::{PooledConnection, Shared, Way};
use crate::publisher::Unavailable;
use crate::trouble::Trouble;

#[derive(Debug)]
pub(crate) struct ConnectionPool {
    pub connections: Vec<Arc<PooledConnection>>,
    pub shared: Arc<Shared>,
    /// Counts the choices of a connection; they are taken in turn.
    pub turn: AtomicUsize,
    pub timeout: Duration,
}

impl ConnectionPool {
    /// The connections that can be used now.
    pub fn open(&self) -> Vec<Arc<OpenConnection>> {
        self.connections.iter().filter_map(|place| place.open()).collect()
    }

    pub fn ready(&self) -> Result<(), String> {
        let open = self.open();
        // The broker blocks a connection only when something is published on it, but is short for all of them.
        let blocked = open.iter().any(|open| open.is_blocked());
        match !blocked && open.iter().any(|open| !open.is_refusing()) {
            true => Ok(()),
            false => Err(self.trouble().to_string()),
        }
    }

    /// Why nothing can be published now.
    fn trouble(&self) -> Trouble {
        let open = self.open();
        if open.iter().any(|open| open.is_refusing()) {
            return Trouble::Full;
        }
        if open.iter().any(|open| open.is_blocked()) {
            return Trouble::Blocked;
        }
        let trouble = self.connections.iter().find_map(|place| place.trouble());
        trouble.map_or_else(
            || Trouble::Away("connecting to the broker".to_owned()),
            |trouble| (*trouble).clone(),
        )
    }

    pub async fn publish(&self, message: &Message<'_>) -> Result<(), Unavailable> {
        let mut trouble = None;
        let storing = tokio::time::timeout(self.timeout, self.until_stored(message, &mut trouble));
        let outcome = storing
            .await
            .unwrap_or_else(|_| Err(trouble.unwrap_or_else(|| self.trouble())));
        outcome.map_err(|trouble| Unavailable {
            timeout: self.timeout,
            trouble,
        })
    }

    /// A publish with an unknown outcome is published again: a duplicate is harmless, a loss is not. `Err`: the message can't
    /// be published at any time.
    async fn until_stored(
        &self,
        message: &Message<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Result<(), Trouble> {
        let mut pacing = Pacing::new(Duration::from_millis(10), Duration::from_millis(500));
        loop {
            self.shared.size_limit.check(message.body.len())?;
            let open = self.next_open().await;
            match self.attempt(open, message).await {
                Ok(()) => return Ok(()),
                Err(error @ Trouble::Unsendable(_)) => return Err(error),
                Err(error) => *trouble = Some(error),
            }
            pacing.pause().await;
        }
    }

    /// Ends when the connection is given up: the thread on which it lives may be busy.
    async fn attempt(&self, open: Arc<OpenConnection>, message: &Message<'_>) -> Result<(), Trouble> {
        let outcome = tokio::select! {
            biased;
            outcome = open.publish(message) => outcome,
            () = open.given_up().cancelled() => return Err(open.end()),
        };
        // Before the connection is given up, so that every publish that was in flight on it knows the limit.
        if let Err(PublishError::Broker(error)) = &outcome
            && self.shared.size_limit.learn(error)
            && matches!(self.shared.way, Way::Lapin)
        {
            // By lapin a publish has a channel to itself, so no other is harmed.
            return Err(Trouble::Away(error.to_string()));
        }
        open.note(&outcome);
        outcome.map_err(|error| open.end_or(&error))
    }

    /// An open connection that is not blocked: that of this thread if it has one, else the next in turn. Waits until there is
    /// one. Nothing is handed to a blocked
    /// connection, which would keep it in memory for as long as the broker is short of its own.
    async fn next_open(&self) -> Arc<OpenConnection> {
        let mut opened = None;
        loop {
            let turn = pinning::number().unwrap_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed));
            let count = self.connections.len();
            let mut places = (0..count).map(|i| &self.connections[(turn + i) % count]);
            let takes = |open: &Arc<OpenConnection>| !open.is_blocked();
            if let Some(open) = places.find_map(|place| place.open().filter(takes)) {
                return open;
            }
            // Looks once more after subscribing, so that an opening in between is not missed.
            match &mut opened {
                None => opened = Some(self.shared.opened.subscribe()),
                // The sender lives as long as `self`.
                Some(changes) => drop(changes.changed().await),
            }
        }
    }
}
