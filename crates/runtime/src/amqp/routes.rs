//! The ways to the broker, and how a message finds the next good one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::message::BasicReturnMessage;

use super::confirm::PublishError;
use super::link::{Link, OpenLink, Shared};
use super::message::Message;
use super::pacing::Pacing;
use super::publisher::Unavailable;

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
        let links = &self.links;
        let open: Vec<Arc<OpenLink>> = links.iter().filter_map(|link| link.open()).collect();
        if open.iter().any(|open| !open.is_blocked()) {
            return Ok(());
        }
        if !open.is_empty() {
            return Err("the broker is short of memory or disk and takes no messages".to_owned());
        }
        let trouble = links.iter().find_map(|link| link.trouble());
        Err(trouble.map_or_else(|| "connecting to the broker".to_owned(), |text| (*text).clone()))
    }

    pub async fn publish(self: &Arc<Self>, message: Message<'_>) -> Result<(), Unavailable> {
        let mut trouble = None;
        match tokio::time::timeout(self.timeout, self.until_stored(message, &mut trouble)).await {
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
    async fn until_stored(self: &Arc<Self>, message: Message<'_>, trouble: &mut Option<String>) {
        let mut pacing = Pacing::new(Duration::from_millis(10), Duration::from_millis(250));
        loop {
            let (open, turn) = self.next_open().await;
            match self.attempt(&open, turn, message).await {
                Ok(()) => return,
                Err(error) => *trouble = Some(error),
            }
            pacing.pause().await;
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        open: &OpenLink,
        turn: usize,
        message: Message<'_>,
    ) -> Result<(), String> {
        let (routing_key, body) = (message.envelope.routing_key(), message.envelope.body());
        let publishing =
            open.channel(turn)
                .publish(message.exchange(), &routing_key, body, message.properties());
        let outcome = tokio::select! {
            biased;
            outcome = publishing => outcome,
            () = open.silent_for(self.patience) => {
                open.give_up();
                return Err("nothing is confirmed any more".to_owned());
            }
        };
        match outcome {
            Ok(()) => {
                open.note_confirm();
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                if let PublishError::Unroutable(returned) = error {
                    open.note_confirm();
                    open.unroutable.notify_one();
                    self.rescue_if_strange(message, returned);
                }
                Err(text)
            }
        }
    }

    /// A returned message that is another publish's: that one was told `Ok` (see
    /// [`super::ConfirmChannel::publish`]), so it is published from here until a queue has it.
    fn rescue_if_strange(self: &Arc<Self>, message: Message<'_>, returned: Box<BasicReturnMessage>) {
        let own = message.envelope.digest().as_str();
        if returned
            .properties
            .message_id()
            .as_ref()
            .is_some_and(|id| id.as_str() == own)
        {
            return;
        }
        let id = returned.properties.message_id().as_ref().map(ToString::to_string);
        tracing::error!(
            message.id = id,
            "a message came back after its confirm; publishing it again"
        );
        let runtime = self.shared.runtime.clone();
        runtime.spawn(Arc::clone(self).rescue(returned));
    }

    async fn rescue(self: Arc<Self>, returned: Box<BasicReturnMessage>) {
        let mut pacing = Pacing::new(Duration::from_millis(10), Duration::from_secs(1));
        loop {
            let (open, turn) = self.next_open().await;
            let (exchange, key) = (returned.exchange.as_str(), returned.routing_key.as_str());
            let publishing =
                open.channel(turn)
                    .publish(exchange, key, &returned.data, returned.properties.clone());
            if let Ok(Ok(())) = tokio::time::timeout(self.timeout, publishing).await {
                return;
            }
            open.unroutable.notify_one();
            pacing.pause().await;
        }
    }

    /// The next good connection in turn; waits while there is none.
    async fn next_open(&self) -> (Arc<OpenLink>, usize) {
        let mut opened = None;
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let count = self.links.len();
            let open = (0..count).find_map(|i| self.links[(turn + i) % count].open());
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

    fn trouble(&self) -> String {
        let trouble = self.links.iter().find_map(|link| link.trouble());
        trouble.map_or_else(|| "no connection".to_owned(), |text| (*text).clone())
    }
}
