//! A connection to the broker on which publishes pass the client library, lapin, by.
//!
//! lapin keeps the connection: handshake, channels, topology, heartbeats, close. A task, the [frame relay](relay), stands
//! between lapin and the socket. It passes whole frames both ways, writes publishes that wait together at once, and keeps
//! the confirms and returns of the channels that publish, so that each publish learns of its own. `docs/adr/0041` gives the
//! reasons and the figures.
//!
//! The face: [`WiredConnection::connect`], [`ConfirmChannel::open`], [`ConfirmChannel::publish`].

mod buffer;
mod channel;
mod close_reason;
mod encode;
mod frame;
mod properties;
mod relay;
mod transport;
mod unconfirmed;

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

use relay::FrameRelay;
use transport::Stream;

pub use channel::{ConfirmChannel, PublishError};
pub use transport::WatchedTcp;
pub use unconfirmed::Returned;

/// In bytes: what of lapin's own frames may wait between it and the pump.
const PIPE: usize = 64 * 1024;

/// What became of a publish.
pub(crate) type Outcome = Result<(), PublishError>;

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
    correlation_id: u64,
    reply: oneshot::Sender<Outcome>,
}

/// The way to the pump of one connection.
#[derive(Debug, Clone)]
pub struct Wire {
    orders: mpsc::UnboundedSender<Order>,
    state: Arc<State>,
}

/// What a pump and those who give it work both see.
#[derive(Debug, Default)]
struct State {
    ordered: AtomicU64,
    resolved: AtomicU64,
    why: OnceLock<lapin::Error>,
    ended: CancellationToken,
    /// The runtime that the pump lived in has ended.
    runtime_ended: AtomicBool,
}

impl Wire {
    fn adopt(&self, channel: ChannelId) {
        // A pump that is gone has closed its connection, and whoever publishes there is reply so.
        let _ = self.orders.send(Order::Adopt(channel));
    }

    /// Publishes on a channel that is adopted. The result resolves with what became of it, or fails when the connection
    /// ends before that is known.
    pub fn publish(
        &self,
        channel: ChannelId,
        frames: Vec<u8>,
        correlation_id: u64,
    ) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        self.state.ordered.fetch_add(1, Ordering::Relaxed);
        let _ = self.orders.send(Order::Publish(Publish {
            channel,
            frames,
            correlation_id,
            reply,
        }));
        outcome
    }

    /// How many publishes have found their end.
    pub fn resolved(&self) -> u64 {
        self.state.resolved.load(Ordering::Relaxed)
    }

    /// Whether a confirm is waited for.
    pub fn is_waiting(&self) -> bool {
        self.state.ordered.load(Ordering::Relaxed) > self.resolved()
    }

    /// Cancelled when the connection has ended; whoever cancels it ends the connection.
    pub fn ended(&self) -> &CancellationToken {
        &self.state.ended
    }

    /// Whether it has ended because the runtime has that it lived in.
    pub fn lost_its_runtime(&self) -> bool {
        self.state.runtime_ended.load(Ordering::Relaxed)
    }

    /// Why it has ended by itself.
    pub fn why(&self) -> Option<&lapin::Error> {
        self.state.why.get()
    }
}

/// A connection of lapin's and the way past it.
#[derive(Debug)]
pub struct WiredConnection {
    connection: Connection,
    wire: Wire,
}

impl WiredConnection {
    /// The socket and what is published live in the runtime `host`, the rest in `runtime`.
    pub async fn connect(
        uri: AMQPUri,
        properties: ConnectionProperties,
        runtime: Runtime<WatchedTcp>,
        host: Runtime<WatchedTcp>,
    ) -> Result<Self, lapin::Error> {
        let slot: Arc<Mutex<Option<Wire>>> = Arc::default();
        let newest = Arc::clone(&slot);
        // lapin may try more than once.
        let connect = move |uri: AMQPUri, _| {
            let (newest, host) = (Arc::clone(&newest), host.clone());
            async move {
                let socket = uri.connect_async(&host).await?;
                let (near, far) = tokio::io::duplex(PIPE);
                let (wire, pump) = FrameRelay::between(far, socket);
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

    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Takes over a channel on which nothing was published yet.
    pub(crate) fn adopt(&self, channel: ChannelId) -> Wire {
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

impl Deref for WiredConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
