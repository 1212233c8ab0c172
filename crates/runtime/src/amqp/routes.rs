//! The ways to the broker, and how a message finds the next good one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::confirm::PublishError;
use super::home;
use super::link::{Link, Shared};
use super::message::Outgoing;
use super::open_link::OpenLink;
use super::pacing::Pacing;
use super::publisher::Unavailable;
use super::trouble::Trouble;

#[derive(Debug)]
pub(super) struct Routes {
    pub links: Vec<Arc<Link>>,
    pub shared: Arc<Shared>,
    pub turn: AtomicUsize,
    pub timeout: Duration,
}

impl Routes {
    pub fn ready(&self) -> Result<(), String> {
        let open: Vec<Arc<OpenLink>> = self.links.iter().filter_map(|link| link.open()).collect();
        // The broker blocks a connection only when something is published on it, but is short for all of them.
        let blocked = open.iter().any(|open| open.is_blocked());
        match !blocked && open.iter().any(|open| !open.is_refusing()) {
            true => Ok(()),
            false => Err(self.trouble().to_string()),
        }
    }

    /// Why nothing can be published now.
    fn trouble(&self) -> Trouble {
        let open: Vec<Arc<OpenLink>> = self.links.iter().filter_map(|link| link.open()).collect();
        if open.iter().any(|open| open.is_refusing()) {
            return Trouble::Full;
        }
        if open.iter().any(|open| open.is_blocked()) {
            return Trouble::Blocked;
        }
        let trouble = self.links.iter().find_map(|link| link.trouble());
        trouble.map_or_else(
            || Trouble::Away("connecting to the broker".to_owned()),
            |t| (*t).clone(),
        )
    }

    pub async fn publish(&self, message: impl Into<Outgoing<'_>>) -> Result<(), Unavailable> {
        let mut trouble = None;
        let message = message.into();
        match tokio::time::timeout(self.timeout, self.until_stored(&message, &mut trouble)).await {
            Ok(()) => Ok(()),
            Err(_) => {
                let trouble = trouble.unwrap_or_else(|| self.trouble());
                Err(Unavailable {
                    timeout: self.timeout,
                    trouble,
                })
            }
        }
    }

    /// A publish whose end is unknown is published again: a duplicate is harmless, a loss is not.
    async fn until_stored(&self, message: &Outgoing<'_>, trouble: &mut Option<Trouble>) {
        let mut pacing = Pacing::new(Duration::from_millis(10), Duration::from_millis(500));
        loop {
            let open = self.next_open().await;
            match attempt(open, message).await {
                Ok(()) => return,
                Err(error) => *trouble = Some(error),
            }
            pacing.pause().await;
        }
    }

    /// The next good connection in turn that takes messages; waits while there is none. What were handed to one that is
    /// blocked would stay in memory for as long as the broker is short of its own.
    async fn next_open(&self) -> Arc<OpenLink> {
        let mut opened = None;
        let takes = |open: &Arc<OpenLink>| !open.is_blocked();
        loop {
            let turn = home::number().unwrap_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed));
            let count = self.links.len();
            let open = (0..count).find_map(|i| self.links[(turn + i) % count].open().filter(takes));
            if let Some(open) = open {
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

/// Ends when the connection is given up, by who watches over it: the thread on which it lives may be busy.
async fn attempt(open: Arc<OpenLink>, message: &Outgoing<'_>) -> Result<(), Trouble> {
    let sending = open.channel.send(
        message.exchange,
        &message.routing_key,
        message.body,
        &message.properties,
    );
    // A message that no frame can hold is no fault of the connection.
    let sent = sending.map_err(|error| Trouble::from(&PublishError::from(error)))?;
    let outcome = tokio::select! {
        biased;
        outcome = sent.confirmed() => outcome,
        () = open.given_up().cancelled() => return Err(open.end()),
    };
    open.note(&outcome);
    outcome.map_err(|error| open.end_or(&error))
}
