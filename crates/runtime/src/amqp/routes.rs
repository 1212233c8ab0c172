//! The ways to the broker, and how a message finds the next good one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::message::BasicReturnMessage;

use super::confirm::PublishError;
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
    /// How long a connection may confirm nothing before it counts as dead. Short enough that every connection can be
    /// found dead and a new one be used within the bound.
    pub patience: Duration,
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

    pub async fn publish(self: &Arc<Self>, message: impl Into<Outgoing>) -> Result<(), Unavailable> {
        let mut trouble = None;
        let message = Arc::new(message.into());
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
    async fn until_stored(self: &Arc<Self>, message: &Arc<Outgoing>, trouble: &mut Option<Trouble>) {
        let mut pacing = Pacing::new(Duration::from_millis(10), Duration::from_millis(500));
        loop {
            let (open, turn) = self.next_open().await;
            match self.attempt(&open, turn, message).await {
                Ok(()) => return,
                Err(error) => *trouble = Some(error),
            }
            pacing.pause().await;
        }
    }

    /// Stops waiting when the caller does, or when the connection seems dead; the publish itself goes on.
    async fn attempt(
        self: &Arc<Self>,
        open: &Arc<OpenLink>,
        turn: usize,
        message: &Arc<Outgoing>,
    ) -> Result<(), Trouble> {
        let publishing = Arc::clone(self).publish_once(Arc::clone(open), turn, Arc::clone(message));
        tokio::select! {
            biased;
            outcome = self.shared.elsewhere.finish(publishing) => outcome,
            () = open.silent_for(self.patience) => {
                let silent = Trouble::Away("nothing is confirmed any more".to_owned());
                open.give_up(silent.clone());
                Err(silent)
            }
        }
    }

    /// Waits for the confirm however long it takes, since another's message may come back with it. Meanwhile it
    /// keeps neither the message in memory nor the connection open; a connection that ends ends the wait.
    async fn publish_once(
        self: Arc<Self>,
        open: Arc<OpenLink>,
        turn: usize,
        message: Arc<Outgoing>,
    ) -> Result<(), Trouble> {
        let (channel, properties) = (open.channel(turn), message.properties.clone());
        let sending = channel.send(&message.exchange, &message.routing_key, &message.body, properties);
        let outcome = match sending.await {
            Ok(sent) => {
                drop(message);
                let link = Arc::downgrade(&open);
                drop(open);
                let outcome = sent.confirmed().await;
                link.upgrade().inspect(|open| open.note(&outcome));
                outcome
            }
            Err(error) => {
                let outcome = Err(PublishError::from(error));
                open.note(&outcome);
                outcome
            }
        };
        outcome.map_err(|error| {
            let trouble = Trouble::from(&error);
            if let PublishError::Strange(returned) = error {
                self.rescue(*returned);
            }
            trouble
        })
    }

    /// Publishes what came back to another publish until a queue has it: its own publisher was told `Ok`.
    fn rescue(self: Arc<Self>, returned: BasicReturnMessage) {
        tracing::error!(
            message.id = returned.properties.message_id().as_ref().map(ToString::to_string),
            "a message came back after its confirm; publishing it again"
        );
        let message = Arc::new(Outgoing::from(returned));
        let elsewhere = self.shared.elsewhere.clone();
        self.shared.rescues.fetch_add(1, Ordering::Relaxed);
        elsewhere.start(async move {
            let closing = self.shared.closing.clone();
            let mut trouble = None;
            let storing = self.until_stored(&message, &mut trouble);
            if closing.run_until_cancelled(storing).await.is_some() {
                self.shared.rescues.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }

    /// The next good connection in turn that takes messages; waits while there is none. What were handed to one that is
    /// blocked would stay in memory for as long as the broker is short of its own.
    async fn next_open(&self) -> (Arc<OpenLink>, usize) {
        let mut opened = None;
        let takes = |open: &Arc<OpenLink>| !open.is_blocked();
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let count = self.links.len();
            let open = (0..count).find_map(|i| self.links[(turn + i) % count].open().filter(takes));
            if let Some(open) = open {
                return (open, turn / count);
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
