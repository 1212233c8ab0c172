//! One pooled connection with its channels, kept open by a task of its own, so that no request ever opens anything
//! and a broker that is back is noticed without traffic.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use futures_util::StreamExt as _;
use lapin::Event;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connect::{ConnectError, Node, within};
use super::nodes;
use super::open_link::OpenLink;
use super::pacing::Pacing;
use super::topology::{Part, TopologyError};
use super::trouble::Trouble;
use super::wire::Wired;

/// How often a connection is looked at, at least.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
const LOOKS_IN_PATIENCE: u32 = 10;

/// What all links of a publisher share.
#[derive(Debug)]
pub(super) struct Shared {
    pub nodes: Vec<Node>,
    /// What its messages need, and is declared for them.
    pub part: Part,
    /// Of the nodes, in their order.
    pub addresses: Vec<String>,
    /// The bound on opening a connection, and again on what is done with it before it is used.
    pub open_timeout: Duration,
    /// How long a connection may confirm nothing before it counts as dead. Short enough that every connection can be
    /// found dead and a new one be used within the bound on a publish.
    pub patience: Duration,
    /// Bumped whenever a link opens, or takes messages again.
    pub opened: watch::Sender<u64>,
    /// The first drift that was found before any link was open.
    pub drift: watch::Sender<Option<Arc<TopologyError>>>,
    pub closing: CancellationToken,
    /// That of the publisher.
    pub runtime: Handle,
}

/// A place for a connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    open: ArcSwapOption<OpenLink>,
    trouble: ArcSwapOption<Trouble>,
    /// There are no connections while this is empty.
    host: watch::Sender<Option<Host>>,
}

/// The runtime in which the connections of a link live.
#[derive(Debug, Clone)]
struct Host {
    runtime: Handle,
    /// It is that of a thread whose own connection this is to be. Any other is left for such a one.
    is_home: bool,
}

impl Link {
    /// The connection, when there is a good one.
    pub fn open(&self) -> Option<Arc<OpenLink>> {
        let open: Guard<Option<Arc<OpenLink>>> = self.open.load();
        open.as_ref().filter(|open| open.is_sound()).cloned()
    }

    /// Why there is none.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Keeps a connection open until the publisher closes: first to address number `start`, and whenever that is lost
    /// to the one after it.
    pub async fn keep(self: Arc<Self>, shared: Arc<Shared>, mut start: usize) {
        let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_millis(500));
        let mut slow_pacing = Pacing::new(Duration::from_millis(500), Duration::from_secs(2));
        let closing = shared.closing.clone();
        while let Some(host) = closing.run_until_cancelled(self.host()).await {
            let opening = open(&shared, start, &host);
            let Some(opened) = closing.run_until_cancelled(opening).await else {
                return;
            };
            let trouble = match opened {
                Ok((number, (connection, open))) => {
                    start = number + 1;
                    let open = Arc::new(open);
                    let trouble = self.serve(&shared, number, connection, Arc::clone(&open)).await;
                    if open.was_useful() {
                        pacing.start_over();
                        slow_pacing.start_over();
                    }
                    trouble
                }
                Err(error) => {
                    start += 1;
                    Some(self.note(&shared, &error))
                }
            };
            if has_ended(&host).await {
                self.lose_host(host.id(), &shared.runtime);
            }
            // Whatever a person must mend is not hammered upon.
            let permanent = trouble.is_some_and(|trouble| trouble.is_permanent());
            let pacing = if permanent { &mut slow_pacing } else { &mut pacing };
            if closing.run_until_cancelled(pacing.pause()).await.is_none() {
                return;
            }
        }
    }

    /// Gives its connections a runtime to live in, unless they have one that is a thread's.
    pub fn take_host(&self, runtime: &Handle, is_home: bool) -> bool {
        self.host.send_if_modified(|current| {
            let vacant = !current.as_ref().is_some_and(|host| host.is_home);
            if vacant {
                let runtime = runtime.clone();
                *current = Some(Host { runtime, is_home });
            }
            vacant
        })
    }

    /// A thread's runtime ends. From now on its connections live in that of the publisher, so that the threads that are
    /// still at work have them, until another thread takes them. If they live elsewhere already, they stay there.
    pub fn lose_host(&self, ended: runtime::Id, fallback: &Handle) {
        self.host.send_if_modified(|current| {
            let lost = current.as_ref().is_some_and(|host| host.runtime.id() == ended);
            if lost {
                let runtime = fallback.clone();
                *current = Some(Host {
                    runtime,
                    is_home: false,
                });
            }
            lost
        });
    }

    /// The runtime to live in, once there is one.
    async fn host(&self) -> Handle {
        let mut hosts = self.host.subscribe();
        let host = hosts.wait_for(Option::is_some).await;
        match host.ok().and_then(|host| host.clone()) {
            Some(host) => host.runtime,
            // The sender lives as long as `self`.
            None => std::future::pending().await,
        }
    }

    /// Until the connection is no good any more (then returns why), or no longer wanted.
    async fn serve(
        &self,
        shared: &Shared,
        number: usize,
        connection: Wired,
        open: Arc<OpenLink>,
    ) -> Option<Trouble> {
        let address = &*shared.addresses[number];
        if self.trouble.swap(None).is_some() {
            tracing::info!(amqp.address = address, "connected to the broker again");
        }
        self.open.store(Some(Arc::clone(&open)));
        shared.opened.send_modify(|count| *count += 1);
        let trouble = watch_over(shared, &connection, &open).await;
        self.open.store(None);
        if open.is_homeless() {
            return None;
        }
        match &trouble {
            Some(trouble) => {
                open.give_up(trouble.clone());
                tracing::warn!(
                    amqp.address = address,
                    amqp.trouble = %trouble,
                    "connection to the broker given up"
                );
                self.trouble.store(Some(Arc::new(trouble.clone())));
            }
            None => {
                let closing = connection.close(200, "done".into());
                // Late or not, the process is ending.
                let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
            }
        }
        trouble
    }

    fn note(&self, shared: &Shared, error: &ConnectError) -> Trouble {
        let trouble = Trouble::from(error);
        let last = self.trouble.swap(Some(Arc::new(trouble.clone())));
        if last.is_none_or(|last| *last != trouble) {
            match (shared.part, trouble.is_permanent()) {
                (Part::Record, true) => {
                    tracing::warn!(amqp.trouble = %trouble, "what is refused can't be put on record; no notice is concerned");
                }
                (_, true) => tracing::error!(amqp.trouble = %trouble, "the broker refuses"),
                (_, false) => tracing::warn!(amqp.trouble = %trouble, "the broker can't be used"),
            }
        }
        if let Some((object, difference)) = error.drift()
            && *shared.opened.borrow() == 0
        {
            let drift = TopologyError::Drift {
                object: object.to_owned(),
                difference: difference.to_owned(),
            };
            shared.drift.send_replace(Some(Arc::new(drift)));
        }
        trouble
    }
}

/// Whether a runtime takes no more work. One that is only busy has not ended.
async fn has_ended(runtime: &Handle) -> bool {
    let nothing = runtime.spawn(async {});
    let outcome = tokio::time::timeout(Duration::from_millis(100), nothing).await;
    outcome.is_ok_and(|done| done.is_err())
}

async fn open(
    shared: &Shared,
    start: usize,
    host: &Handle,
) -> Result<(usize, (Wired, OpenLink)), ConnectError> {
    let (timeout, declared_before) = (shared.open_timeout, *shared.opened.borrow() > 0);
    let attempt = |number: usize| async move {
        let connection = within(timeout, shared.nodes[number].connect(host)).await?;
        let open = within(
            timeout,
            OpenLink::prepare(&connection, shared.part, declared_before),
        )
        .await?;
        Ok((connection, open))
    };
    nodes::first(&shared.addresses, start, attempt).await
}

/// Returns why the connection is no good any more, or `None` when it is no longer wanted.
async fn watch_over(shared: &Shared, connection: &Wired, open: &OpenLink) -> Option<Trouble> {
    let mut looks = tokio::time::interval(LOOK_INTERVAL.min(shared.patience / LOOKS_IN_PATIENCE));
    let mut silence = open.silence();
    let mut events = std::pin::pin!(connection.events_listener());
    loop {
        tokio::select! {
            () = shared.closing.cancelled() => return None,
            () = open.given_up().cancelled() => return Some(open.end()),
            () = open.unroutable.notified() => {
                match within(shared.open_timeout, shared.part.ensure(connection)).await {
                    Ok(()) => tracing::warn!("a message came back unroutable; topology declared again"),
                    Err(error) => return Some(Trouble::from(&error)),
                }
            }
            Some(event) = events.next() => heed(shared, &event),
            _ = looks.tick() => {
                if !open.is_sound() {
                    return Some(open.end());
                }
                if open.is_silent_for(shared.patience, &mut silence) {
                    return Some(Trouble::Away("nothing is confirmed any more".to_owned()));
                }
            }
        }
    }
}

fn heed(shared: &Shared, event: &Event) {
    match event {
        Event::ConnectionBlocked(reason) => {
            tracing::warn!(amqp.trouble = reason, "the broker takes no messages");
        }
        Event::ConnectionUnblocked => {
            tracing::info!("the broker takes messages again");
            shared.opened.send_modify(|count| *count += 1);
        }
        _ => {}
    }
}
