//! Publishes envelopes through pooled connections, riding out a broker that goes away, within a hard bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lapin::message::BasicReturnMessage;
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::Envelope;
use xiebao_core::reason::Reason;

use super::confirm::PublishError;
use super::connect::{ConnectError, pool};
use super::link::{Link, OpenLink, Shared};
use super::message::Message;
use super::pacing::Pacing;
use super::topology::TopologyError;
use crate::config::AmqpConfig;

/// The broker did not confirm in time. Whether it has the message is not known.
#[derive(Debug, Error)]
#[error("the broker did not confirm within {timeout:?}: {trouble}")]
pub struct Unavailable {
    pub timeout: Duration,
    pub trouble: String,
}

/// Takes envelopes and nothing else: what is not verified can't be published.
#[derive(Debug)]
pub struct Publisher {
    routes: Arc<Routes>,
    keepers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Routes {
    links: Vec<Arc<Link>>,
    shared: Arc<Shared>,
    turn: AtomicUsize,
    timeout: Duration,
    /// How long a connection may confirm nothing before it counts as dead. Short enough that every connection can be
    /// found dead and a new one be used within the bound.
    patience: Duration,
}

impl Publisher {
    /// Starts connecting, and returns at once. `timeout` bounds every publish. Must be called inside the Tokio
    /// runtime that the connections will live in.
    ///
    /// # Errors
    /// When the address can't be used at all.
    pub fn start(
        config: &AmqpConfig,
        name: &str,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let shared = Arc::new(Shared {
            pool: pool(config, name, connections)?,
            runtime: tokio::runtime::Handle::current(),
            open_timeout: config.connect_timeout,
            opened: watch::Sender::new(0),
            drift: watch::Sender::new(None),
            closing: CancellationToken::new(),
        });
        let links: Vec<Arc<Link>> = (0..connections).map(|_| Arc::default()).collect();
        let mut keepers = JoinSet::new();
        for link in &links {
            keepers.spawn(Arc::clone(link).keep(Arc::clone(&shared)));
        }
        let patience = timeout / u32::try_from(connections + 1).unwrap_or(u32::MAX);
        let routes = Routes {
            links,
            shared,
            turn: AtomicUsize::new(0),
            timeout,
            patience,
        };
        Ok(Self {
            routes: Arc::new(routes),
            keepers: Mutex::new(keepers),
        })
    }

    /// Publishes to `xiebao.notices`. `Ok`: a quorum queue has it.
    pub async fn publish(&self, envelope: &Envelope) -> Result<(), Unavailable> {
        self.routes
            .publish(Message {
                envelope,
                death: None,
            })
            .await
    }

    /// Publishes to `xiebao.dead` with the reason. `Ok`: a quorum queue has it.
    pub async fn publish_dead(
        &self,
        envelope: &Envelope,
        reason: Reason,
        detail: &str,
    ) -> Result<(), Unavailable> {
        self.routes
            .publish(Message {
                envelope,
                death: Some((reason, detail)),
            })
            .await
    }

    /// `Err`: why nothing can be published now.
    pub fn ready(&self) -> Result<(), String> {
        let links = &self.routes.links;
        if links.iter().any(|link| link.open().is_some()) {
            return Ok(());
        }
        let trouble = links.iter().find_map(|link| link.trouble());
        Err(trouble.map_or_else(|| "connecting to the broker".to_owned(), |text| (*text).clone()))
    }

    /// Resolves when the first look at the broker finds a topology that differs; never once a connection was good.
    pub async fn drifted(&self) -> Arc<TopologyError> {
        let mut drift = self.routes.shared.drift.subscribe();
        let found = drift
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|found| found.clone());
        match found {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Resolves as soon as something can be published.
    pub async fn opened(&self) {
        let mut opened = self.routes.shared.opened.subscribe();
        while self.ready().is_err() {
            // The sender lives as long as `self`.
            if opened.changed().await.is_err() {
                return;
            }
        }
    }

    /// Closes all connections, so that the broker sees them end well.
    pub async fn close(&self) {
        self.routes.shared.closing.cancel();
        while self.keepers.lock().await.join_next().await.is_some() {}
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.routes.shared.closing.cancel();
    }
}

impl Routes {
    async fn publish(self: &Arc<Self>, message: Message<'_>) -> Result<(), Unavailable> {
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
