//! The nodes of one broker, and connections to the first node that answers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_rs::Runtime;
use deadpool_lapin::{Manager, Pool, PoolError};
use lapin::ConnectionProperties;
use lapin::uri::AMQPUri;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::timeout;
use url::Url;
use xiebao_wire::{ReadGate, WatchedTcp, WiredConnection};

use crate::first_success::first_success;
use crate::topology::TopologyError;

/// A pooled connection. When it is dropped it goes back to its pool, which hands it out again if it is still connected.
pub type Connection = deadpool_lapin::Object;

/// Seconds between heartbeats, unless the address says otherwise. A peer that vanished is noticed after twice that.
const HEARTBEAT: u16 = 10;

/// Largest frame in bytes, unless the address says otherwise. Notices are small, and the client keeps 64 frames of memory
/// for every connection: 8 MiB with the broker's own 128 KiB.
const FRAME_MAX: u32 = 32 * 1024;

/// The same for a consumer: the broker's own maximum. Another program's headers fill one frame of that size, and the broker
/// ends a connection that takes less.
const FRAME_MAX_OF_ANYONE: u32 = 128 * 1024;

/// The addresses of the broker.
#[derive(Clone)]
pub struct Settings {
    /// `amqp://user:password@host:port/vhost` or `amqps://…`, one for each node of one cluster; at least one.
    pub urls: Vec<String>,
    /// Bound on one attempt to connect.
    pub connect_timeout: Duration,
}

impl fmt::Debug for Settings {
    /// Without the addresses, which hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("nodes", &self.urls.len())
            .field("connect_timeout", &self.connect_timeout)
            .finish()
    }
}

/// Why there is no usable connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The address is no `amqp://` or `amqps://` URL.
    #[error("the broker's address can't be used: {0}")]
    Address(String),
    /// The bound on connecting, or on preparing the connection, has passed.
    #[error("no connection to the broker within {0:?}")]
    Timeout(Duration),
    /// The broker or the network refuses.
    #[error("no connection to the broker: {0}")]
    Broker(#[from] lapin::Error),
    /// The exchanges and queues are not as wanted.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// Every node failed: address without password, and reason.
    #[error("{}", each(.0))]
    Every(Vec<(String, ConnectError)>),
}

fn each(errors: &[(String, ConnectError)]) -> String {
    let texts: Vec<String> = errors
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    texts.join("; ")
}

impl From<PoolError> for ConnectError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Broker(error),
            other => Self::Broker(std::io::Error::other(other.to_string()).into()),
        }
    }
}

impl ConnectError {
    /// The object that differs and the difference, if one of the nodes reported a topology that is not as wanted.
    pub(crate) fn drift(&self) -> Option<(&str, &str)> {
        match self {
            Self::Topology(TopologyError::Drift { object, difference }) => Some((object, difference)),
            Self::Every(errors) => errors.iter().find_map(|(_, error)| error.drift()),
            _ => None,
        }
    }
}

/// The nodes of one broker. Cloning is cheap and shares the pools.
#[derive(Debug, Clone)]
pub struct Broker {
    nodes: Vec<Node>,
    addresses: Vec<String>,
    pub(crate) connect_timeout: Duration,
}

/// One node, with its pool.
#[derive(Clone)]
struct Node {
    pool: Pool,
    uri: AMQPUri,
    name: String,
    runtime: Runtime<WatchedTcp>,
}

impl Broker {
    /// Connects to nothing yet. `name` is what the broker's own tools call the connections; each pool holds up to `size`
    /// of them. Must be called inside the Tokio runtime that the connections will live in.
    ///
    /// # Errors
    /// [`ConnectError::Address`].
    pub fn new(settings: &Settings, name: &str, size: usize) -> Result<Self, ConnectError> {
        Self::of(settings, name, size, FRAME_MAX, None)
    }

    /// For one connection that consumes whatever any program has published, and reads what the gate lets through.
    pub(crate) fn for_consumer(
        settings: &Settings,
        name: &str,
        gate: Option<&Arc<ReadGate>>,
    ) -> Result<Self, ConnectError> {
        Self::of(settings, name, 1, FRAME_MAX_OF_ANYONE, gate)
    }

    fn of(
        settings: &Settings,
        name: &str,
        size: usize,
        frame_max: u32,
        gate: Option<&Arc<ReadGate>>,
    ) -> Result<Self, ConnectError> {
        let uris = settings.urls.iter().map(|url| complete(url, frame_max));
        let uris = uris.collect::<Result<Vec<(String, AMQPUri)>, _>>()?;
        Ok(Self {
            addresses: uris.iter().map(|(_, uri)| without_credentials(uri)).collect(),
            nodes: uris
                .into_iter()
                .map(|(url, uri)| Node::new(url, uri, name, size, gate.cloned()))
                .collect::<Result<_, _>>()?,
            connect_timeout: settings.connect_timeout,
        })
    }

    /// `host:port` of each node, in the order of the settings.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// A connection to any node: it begins with a random one, and goes on to the next where one refuses, hangs
    /// (`connect_timeout`) or is slow.
    ///
    /// # Errors
    /// When every node failed.
    pub async fn connection(&self) -> Result<Connection, ConnectError> {
        let start = rand::random_range(0..self.nodes.len());
        let attempt = |number: usize| self.connection_to(number);
        let (_, connection) = first_success(&self.addresses, start, attempt).await?;
        Ok(connection)
    }

    /// A connection to node number `number` whose publishes go past the client. Its socket lives in the runtime `host`.
    pub(crate) async fn wired_to(
        &self,
        number: usize,
        host: &Handle,
    ) -> Result<WiredConnection, ConnectError> {
        let node = &self.nodes[number];
        let host = Runtime::new(WatchedTcp::on(host.clone(), patience(&node.uri)));
        let (uri, properties) = (node.uri.clone(), properties(&node.name));
        let connecting = WiredConnection::connect(uri, properties, node.runtime.clone(), host);
        within(self.connect_timeout, connecting).await
    }

    /// A connection to node number `number`.
    pub(crate) async fn connection_to(&self, number: usize) -> Result<Connection, ConnectError> {
        within(self.connect_timeout, self.nodes[number].pool.get()).await
    }
}

impl fmt::Debug for Node {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Node {
    fn new(
        url: String,
        uri: AMQPUri,
        name: &str,
        size: usize,
        gate: Option<Arc<ReadGate>>,
    ) -> Result<Self, ConnectError> {
        let runtime = Runtime::new(WatchedTcp::new(patience(&uri)).behind(gate));
        let name = name.to_owned();
        let named = name.clone();
        let manager = Manager::new(url, move || properties(&named), runtime.clone());
        let pool = Pool::builder(manager).max_size(size).build();
        let pool = pool.map_err(|error| ConnectError::Address(error.to_string()))?;
        Ok(Self {
            pool,
            uri,
            name,
            runtime,
        })
    }
}

fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(name.into())
        .with_client_property("product".into(), "xiebao-notify".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

/// Runs `work`, bounded in time.
pub(crate) async fn within<T, E: Into<ConnectError>>(
    bound: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ConnectError> {
    match timeout(bound, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(ConnectError::Timeout(bound)),
    }
}

/// The address with our heartbeat and frame size, where it names none of its own.
fn complete(text: &str, frame_max: u32) -> Result<(String, AMQPUri), ConnectError> {
    let given = AMQPUri::from_str(text).map_err(ConnectError::Address)?;
    let mut url = Url::parse(text).map_err(|error| ConnectError::Address(error.to_string()))?;
    if given.query.heartbeat.is_none() {
        url.query_pairs_mut()
            .append_pair("heartbeat", &HEARTBEAT.to_string());
    }
    if given.query.frame_max.is_none() {
        url.query_pairs_mut()
            .append_pair("frame_max", &frame_max.to_string());
    }
    let uri = AMQPUri::from_str(url.as_str()).map_err(ConnectError::Address)?;
    Ok((url.into(), uri))
}

fn without_credentials(uri: &AMQPUri) -> String {
    format!("{}:{}", uri.authority.host, uri.authority.port)
}

/// Read timeout of a stream: longer than lapin waits for a heartbeat, because lapin's own error says more.
fn patience(uri: &AMQPUri) -> Option<Duration> {
    let heartbeat = uri.query.heartbeat.filter(|seconds| *seconds > 0)?;
    Some(Duration::from_millis(2_500) * u32::from(heartbeat))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_it_says_and_gets_what_it_lacks() {
        let (_, uri) = complete("amqp://u:p@h:1/%2f", FRAME_MAX).expect("an address");
        assert_eq!(
            (uri.query.heartbeat, uri.query.frame_max),
            (Some(10), Some(32_768))
        );
        assert_eq!(
            (uri.vhost.as_str(), uri.authority.userinfo.password.as_str()),
            ("/", "p")
        );
        let (_, uri) =
            complete("amqps://u:p%40%2Fx@h/v?heartbeat=1&frame_max=8192", FRAME_MAX).expect("an address");
        assert_eq!((uri.query.heartbeat, uri.query.frame_max), (Some(1), Some(8_192)));
        assert_eq!(uri.authority.userinfo.password, "p@/x");
        assert!(matches!(
            complete("redis://h", FRAME_MAX),
            Err(ConnectError::Address(_))
        ));
    }
}
