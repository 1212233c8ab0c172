//! A place for a connection. A task of its own keeps it filled, so no publish ever opens a connection, and the return of the
//! broker is noticed without traffic.

mod watching;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, ConnectError, Connection, within};
use crate::first_success::first_success;
use crate::open_connection::{NewConnection, OpenConnection};
use crate::pacing::Pacing;
use crate::size_limit::SizeLimit;
use crate::topology::{Part, TopologyError};
use crate::trouble::Trouble;
use watching::watch_over;

/// How the connections of a publisher publish.
#[derive(Debug)]
pub(crate) enum Way {
    /// By lapin, from any thread.
    Lapin,
    /// Past lapin, from the thread that a connection is pinned to.
    Wire {
        /// Where a connection lives after its thread has ended.
        fallback: Handle,
    },
}

/// State that all connections of a publisher share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub broker: Broker,
    pub way: Way,
    /// The exchanges and queues that its messages need; it declares them.
    pub part: Part,
    /// How long a connection may confirm nothing before it counts as dead. Short enough that every connection can be
    /// found dead and a new one be used within the bound on a publish.
    pub patience: Duration,
    /// Raised whenever a connection opens, or takes messages again.
    pub opened: watch::Sender<u64>,
    /// The first difference in the topology, if it was found before any connection was open.
    pub drift: watch::Sender<Option<Arc<TopologyError>>>,
    pub closing: CancellationToken,
    pub size_limit: SizeLimit,
}

/// A place for a connection.
#[derive(Debug, Default)]
pub(crate) struct PooledConnection {
    open: ArcSwapOption<OpenConnection>,
    trouble: ArcSwapOption<Trouble>,
    /// The runtime of the next connection; only for [`Way::Wire`], where no connection opens while this is empty.
    host: watch::Sender<Option<Host>>,
}

/// The runtime in which the connections of one place live.
#[derive(Debug, Clone)]
struct Host {
    runtime: Handle,
    /// It is the runtime of the thread that the connection is pinned to. Any other gives way to such a one.
    is_pinned: bool,
}

impl PooledConnection {
    /// The connection, if there is one that can be used.
    pub fn open(&self) -> Option<Arc<OpenConnection>> {
        self.open.load_full().filter(|open| open.is_sound())
    }

    /// Why there is none.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Keeps a connection open until the publisher closes: first to node number `start`, and whenever that is lost to the
    /// one after it.
    pub async fn keep(self: Arc<Self>, shared: Arc<Shared>, mut start: usize) {
        let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_millis(500));
        let mut slow_pacing = Pacing::new(Duration::from_millis(500), Duration::from_secs(2));
        let closing = shared.closing.clone();
        while let Some(host) = closing.run_until_cancelled(self.host(&shared.way)).await {
            let opening = open(&shared, start, host.as_ref());
            let Some(opened) = closing.run_until_cancelled(opening).await else {
                return;
            };
            let trouble = match opened {
                Ok((number, open)) => {
                    start = number + 1;
                    let trouble = self.serve(&shared, number, &open).await;
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
            self.replace_ended(host.as_ref(), &shared.way).await;
            // A fault that a person must mend is retried slowly.
            let permanent = trouble.is_some_and(|trouble| trouble.is_permanent());
            let pacing = if permanent { &mut slow_pacing } else { &mut pacing };
            if closing.run_until_cancelled(pacing.pause()).await.is_none() {
                return;
            }
        }
    }

    /// Gives the connections of this place a runtime to live in, unless they are pinned to a thread. Returns whether it did.
    pub fn set_host(&self, runtime: &Handle, is_pinned: bool) -> bool {
        self.host.send_if_modified(|current| {
            let vacant = !current.as_ref().is_some_and(|host| host.is_pinned);
            if vacant {
                let runtime = runtime.clone();
                *current = Some(Host { runtime, is_pinned });
            }
            vacant
        })
    }

    /// The runtime of a thread has ended. From now on the connections of this place live in `fallback`, so that the threads
    /// that still work have them, until another thread takes them. Nothing changes if they live elsewhere already.
    pub fn unpin(&self, ended: runtime::Id, fallback: &Handle) {
        self.host.send_if_modified(|current| {
            let lost = current.as_ref().is_some_and(|host| host.runtime.id() == ended);
            if lost {
                let runtime = fallback.clone();
                *current = Some(Host {
                    runtime,
                    is_pinned: false,
                });
            }
            lost
        });
    }

    /// The runtime for the next connection, once there is one; `None`: any will do.
    async fn host(&self, way: &Way) -> Option<Handle> {
        if matches!(way, Way::Lapin) {
            return None;
        }
        let mut hosts = self.host.subscribe();
        let host = hosts.wait_for(Option::is_some).await;
        match host.ok().and_then(|host| host.clone()) {
            Some(host) => Some(host.runtime),
            // The sender lives as long as `self`.
            None => std::future::pending().await,
        }
    }

    async fn replace_ended(&self, host: Option<&Handle>, way: &Way) {
        if let (Some(host), Way::Wire { fallback }) = (host, way)
            && has_ended(host).await
        {
            self.unpin(host.id(), fallback);
        }
    }

    /// Waits until the connection fails (returns why), is no longer wanted, or loses its runtime.
    async fn serve(&self, shared: &Shared, number: usize, open: &Arc<OpenConnection>) -> Option<Trouble> {
        let address = &*shared.broker.addresses()[number];
        if self.trouble.swap(None).is_some() {
            tracing::info!(amqp.address = address, "connected to the broker again");
        }
        self.open.store(Some(Arc::clone(open)));
        shared.opened.send_modify(|count| *count += 1);
        let trouble = watch_over(shared, open).await;
        self.open.store(None);
        if open.lost_its_runtime() {
            return None;
        }
        let Some(trouble) = trouble else {
            open.close("done").await;
            return None;
        };
        open.give_up(trouble.clone());
        // Beside the opening of the next. A silent peer is not waited for: the stream ends by itself.
        let given_up = Arc::clone(open);
        tokio::spawn(async move { given_up.close("given up").await });
        tracing::warn!(
            amqp.address = address,
            amqp.trouble = %trouble,
            "connection to the broker given up"
        );
        self.trouble.store(Some(Arc::new(trouble.clone())));
        Some(trouble)
    }

    fn note(&self, shared: &Shared, error: &ConnectError) -> Trouble {
        let trouble = Trouble::from(error);
        let last = self.trouble.swap(Some(Arc::new(trouble.clone())));
        if last.is_none_or(|last| *last != trouble) {
            match (shared.part, trouble.is_permanent()) {
                (Part::Record, true) => {
                    tracing::warn!(amqp.trouble = %trouble, "refused requests cannot be recorded; no notice is affected");
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

/// Returns `true` if a runtime accepts no more tasks. A runtime that is only busy has not ended.
async fn has_ended(runtime: &Handle) -> bool {
    let nothing = runtime.spawn(async {});
    let outcome = tokio::time::timeout(Duration::from_millis(100), nothing).await;
    outcome.is_ok_and(|done| done.is_err())
}

async fn open(
    shared: &Shared,
    start: usize,
    host: Option<&Handle>,
) -> Result<(usize, Arc<OpenConnection>), ConnectError> {
    let (broker, declared_before) = (&shared.broker, *shared.opened.borrow() > 0);
    let attempt = |number: usize| async move {
        let connection = match host {
            Some(host) => NewConnection::Wired(broker.wired_to(number, host).await?),
            None => NewConnection::Plain(Connection::take(broker.connection_to(number).await?)),
        };
        let preparation = OpenConnection::prepare(connection, shared.part, declared_before);
        Ok(Arc::new(within(broker.connect_timeout, preparation).await?))
    };
    first_success(broker.addresses(), start, attempt).await
}
