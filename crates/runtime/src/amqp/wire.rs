//! A connection on which publishes pass lapin by.
//!
//! lapin keeps the connection: the handshake, its channels, the topology, heartbeats, the farewell. But it hands every
//! publish from thread to thread and back twice, in three allocations each, and gives a returned message to any one of
//! those that are confirmed together. So a pump stands between lapin and the socket (`docs/adr/0041`). It passes whole
//! frames both ways, writes what is published together at once, and keeps the confirms and returns of its channels.

mod buffer;
mod complaint;
mod encode;
mod frame;
mod ledger;
mod properties;
mod pump;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_rs::Runtime;
use async_rs::traits::Executor as _;
use lapin::tcp::{AMQPUriTcpExt as _, AsyncTcpStream};
use lapin::types::ChannelId;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::confirm::PublishError;
use super::transport::{Kit, Stream};
use pump::Pump;

pub(super) use encode::publish as encode_publish;
pub use ledger::Returned;
pub(super) use properties::{About, Properties};

/// In bytes: what of lapin's own frames may wait between it and the pump.
const PIPE: usize = 64 * 1024;

/// What became of a publish.
pub(super) type Outcome = Result<(), PublishError>;

/// What the pump is asked for.
#[derive(Debug)]
enum Order {
    /// To keep the confirms of a channel that lapin has put into confirm mode.
    Adopt(ChannelId),
    Publish(Publish),
}

/// A message as the frames that carry it.
#[derive(Debug)]
struct Publish {
    channel: ChannelId,
    frames: Vec<u8>,
    /// Its `correlation_id`, by which it is known when it comes back.
    mark: u64,
    told: oneshot::Sender<Outcome>,
}

/// The way to the pump of one connection.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    orders: mpsc::UnboundedSender<Order>,
    state: Arc<State>,
}

/// What a pump and those who give it work both see.
#[derive(Debug, Default)]
struct State {
    ordered: AtomicU64,
    settled: AtomicU64,
    why: OnceLock<lapin::Error>,
    ended: CancellationToken,
    /// The runtime that the pump lived in has ended.
    homeless: AtomicBool,
}

impl Wire {
    fn adopt(&self, channel: ChannelId) {
        // A pump that is gone has closed its connection, and whoever publishes there is told so.
        let _ = self.orders.send(Order::Adopt(channel));
    }

    /// Publishes on a channel that is adopted. The result resolves with what became of it, or fails when the connection
    /// ends before that is known.
    pub fn publish(&self, channel: ChannelId, frames: Vec<u8>, mark: u64) -> oneshot::Receiver<Outcome> {
        let (told, outcome) = oneshot::channel();
        self.state.ordered.fetch_add(1, Ordering::Relaxed);
        let _ = self.orders.send(Order::Publish(Publish {
            channel,
            frames,
            mark,
            told,
        }));
        outcome
    }

    /// How many publishes have found their end.
    pub fn settled(&self) -> u64 {
        self.state.settled.load(Ordering::Relaxed)
    }

    /// Whether a confirm is waited for.
    pub fn is_waiting(&self) -> bool {
        self.state.ordered.load(Ordering::Relaxed) > self.settled()
    }

    /// Cancelled when the connection has ended; whoever cancels it ends the connection.
    pub fn ended(&self) -> &CancellationToken {
        &self.state.ended
    }

    /// Whether it has ended because the runtime has that it lived in.
    pub fn is_homeless(&self) -> bool {
        self.state.homeless.load(Ordering::Relaxed)
    }

    /// Why it has ended by itself.
    pub fn why(&self) -> Option<&lapin::Error> {
        self.state.why.get()
    }
}

/// A connection of lapin's and the way past it.
#[derive(Debug)]
pub struct Wired {
    connection: Connection,
    wire: Wire,
}

impl Wired {
    /// The socket and what is published live in the runtime `host`, the rest in `runtime`.
    pub(super) async fn connect(
        uri: AMQPUri,
        properties: ConnectionProperties,
        runtime: Runtime<Kit>,
        host: Runtime<Kit>,
    ) -> Result<Self, lapin::Error> {
        let slot: Arc<Mutex<Option<Wire>>> = Arc::default();
        let newest = Arc::clone(&slot);
        // lapin may try more than once.
        let connect = move |uri: AMQPUri, _| {
            let (newest, host) = (Arc::clone(&newest), host.clone());
            async move {
                let socket = uri.connect_async(&host).await?;
                let (near, far) = tokio::io::duplex(PIPE);
                let (wire, pump) = Pump::between(far, socket);
                drop(host.spawn(pump.run()));
                *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
                Ok(AsyncTcpStream::Plain(Stream::piped(near)))
            }
        };
        let connected = Connection::connector(uri, runtime, connect, properties).await;
        let wire = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (connected, wire) {
            (Ok(connection), Some(wire)) => Ok(Self { connection, wire }),
            (Ok(_), None) => Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into()),
            (Err(error), wire) => Err(truer(error, wire.as_ref())),
        }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Takes over a channel on which nothing was published yet.
    pub(super) fn adopt(&self, channel: ChannelId) -> Wire {
        self.wire.adopt(channel);
        self.wire.clone()
    }
}

/// lapin sees no more than the end of its pipe when the socket fails; the pump has seen why.
fn truer(error: lapin::Error, wire: Option<&Wire>) -> lapin::Error {
    match (error.kind(), wire.and_then(Wire::why)) {
        (ErrorKind::IOError(_), Some(why)) => why.clone(),
        _ => error,
    }
}

impl Deref for Wired {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
