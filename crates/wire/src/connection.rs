//! A connection of lapin's with a relay between lapin and the socket.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use async_rs::Runtime;
use async_rs::traits::Executor as _;
use lapin::tcp::{AMQPUriTcpExt as _, AsyncTcpStream};
use lapin::types::ChannelId;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind};

use crate::relay::FrameRelay;
use crate::transport::Stream;
use crate::{WatchedTcp, Wire};

/// Capacity of the pipe between lapin and the relay, in bytes and in each direction.
const PIPE: usize = 64 * 1024;

/// A connection to the broker. It dereferences to lapin's [`Connection`]; a [`ConfirmChannel`](crate::ConfirmChannel)
/// publishes on it past lapin.
#[derive(Debug)]
pub struct WiredConnection {
    connection: Connection,
    wire: Wire,
}

impl WiredConnection {
    /// Connects to the broker. The socket and the relay run in the runtime `host`, lapin runs in `runtime`. Has no timeout
    /// of its own.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses the connection. Returns the error of the socket where lapin only sees
    /// the end of its pipe.
    pub async fn connect(
        uri: AMQPUri,
        properties: ConnectionProperties,
        runtime: Runtime<WatchedTcp>,
        host: Runtime<WatchedTcp>,
    ) -> Result<Self, lapin::Error> {
        let slot: Arc<Mutex<Option<Wire>>> = Arc::default();
        // lapin may call this more than once; the last call made the connection.
        let newest = Arc::clone(&slot);
        let connect = move |uri: AMQPUri, _| {
            let (newest, host) = (Arc::clone(&newest), host.clone());
            async move {
                let socket = uri.connect_async(&host).await?;
                let (near, far) = tokio::io::duplex(PIPE);
                let (wire, relay) = FrameRelay::between(far, socket);
                drop(host.spawn(relay.run()));
                *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
                Ok(AsyncTcpStream::Plain(Stream::pipe(near)))
            }
        };
        let connected = Connection::connector(uri, runtime, connect, properties).await;
        let wire = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (connected, wire) {
            (Ok(connection), Some(wire)) => Ok(Self { connection, wire }),
            (Ok(_), None) => Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into()),
            (Err(error), wire) => Err(root_cause(error, wire.as_ref())),
        }
    }

    /// The progress of the publishes on this connection, and its end.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Gives a channel to the relay. Nothing may have been published on it.
    pub(crate) fn adopt(&self, channel: ChannelId) -> Wire {
        self.wire.adopt(channel);
        self.wire.clone()
    }
}

/// When the socket fails, lapin sees only the end of its pipe. The relay has the error.
fn root_cause(error: lapin::Error, wire: Option<&Wire>) -> lapin::Error {
    match (error.kind(), wire.and_then(Wire::error)) {
        (ErrorKind::IOError(_), Some(cause)) => cause.clone(),
        _ => error,
    }
}

impl Deref for WiredConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
