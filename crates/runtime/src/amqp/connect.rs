//! Connections to the broker, wherever of its addresses one answers.

use std::str::FromStr;
use std::time::Duration;

use async_rs::Runtime;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use thiserror::Error;
use tokio::runtime::Handle;

use super::nodes;
use super::topology::TopologyError;
use super::transport::Kit;
use super::wire::Wired;
use crate::config::AmqpConfig;

/// Seconds between heartbeats, unless the address says otherwise. A peer that vanished is noticed after twice that.
const HEARTBEAT: u16 = 10;

/// Largest frame, unless the address says otherwise. Notices are small, and the client keeps 64 frames of memory for
/// every connection: 8 MiB with the broker's own 128 KiB.
const FRAME_MAX: u32 = 32 * 1024;

/// Why there is no connection, or none that can be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("the broker's address can't be used: {0}")]
    Address(String),
    #[error("no connection to the broker within {0:?}")]
    Timeout(Duration),
    #[error("no connection to the broker: {0}")]
    Broker(#[from] lapin::Error),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// By the addresses without passwords.
    #[error("{}", each(.0))]
    Every(Vec<(String, ConnectError)>),
}

fn each(errors: &[(String, ConnectError)]) -> String {
    let texts: Vec<String> = errors
        .iter()
        .map(|(address, e)| format!("{address}: {e}"))
        .collect();
    texts.join("; ")
}

impl ConnectError {
    /// The topology that differs, if that is what one of the addresses has shown.
    pub(super) fn drift(&self) -> Option<(&str, &str)> {
        match self {
            Self::Topology(TopologyError::Drift { object, difference }) => Some((object, difference)),
            Self::Every(errors) => errors.iter().find_map(|(_, error)| error.drift()),
            _ => None,
        }
    }
}

/// Opens one connection, named so that the broker's own tools tell whose it is. Of several addresses it begins with
/// any one, and goes on to the next where one refuses, hangs (`amqp.connect_timeout_ms`) or is slow. Must be called
/// inside a Tokio runtime, and lives no longer than that.
pub async fn connect(config: &AmqpConfig, name: &str) -> Result<Connection, ConnectError> {
    let open = |node: Node| async move {
        let properties = properties(&node.name);
        Connection::connect_uri_with_runtime(node.uri, properties, node.runtime).await
    };
    anywhere(config, name, open).await
}

/// Opens one connection likewise, on which can be published.
pub async fn connect_wired(config: &AmqpConfig, name: &str) -> Result<Wired, ConnectError> {
    let open = |node: Node| async move { node.connect(&Handle::current()).await };
    anywhere(config, name, open).await
}

async fn anywhere<C, F: Future<Output = Result<C, lapin::Error>>>(
    config: &AmqpConfig,
    name: &str,
    open: impl Fn(Node) -> F,
) -> Result<C, ConnectError> {
    let nodes = nodes(config, name)?;
    let addresses: Vec<String> = nodes.iter().map(|node| node.address.clone()).collect();
    let start = rand::random_range(0..nodes.len());
    let attempt = |number: usize| within(config.connect_timeout, open(nodes[number].clone()));
    let (_, connection) = nodes::first(&addresses, start, attempt).await?;
    Ok(connection)
}

/// A node of the broker.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// `host:port`
    pub address: String,
    uri: AMQPUri,
    /// What connections to it are called.
    name: String,
    runtime: Runtime<Kit>,
}

impl Node {
    /// Connects with a socket that lives in the runtime `host`.
    pub async fn connect(&self, host: &Handle) -> Result<Wired, lapin::Error> {
        let host = Runtime::new(Kit::on(host.clone(), patience(&self.uri)));
        let (uri, properties) = (self.uri.clone(), properties(&self.name));
        Wired::connect(uri, properties, self.runtime.clone(), host).await
    }
}

/// The nodes at all addresses. Must be called inside the Tokio runtime that the connections will live in.
pub(super) fn nodes(config: &AmqpConfig, name: &str) -> Result<Vec<Node>, ConnectError> {
    let node = |uri: AMQPUri| Node {
        address: show(&uri),
        name: name.to_owned(),
        runtime: Runtime::new(Kit::new(patience(&uri))),
        uri,
    };
    Ok(addresses(config)?.into_iter().map(node).collect())
}

pub(super) async fn within<T, E: Into<ConnectError>>(
    timeout: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(ConnectError::Timeout(timeout)),
    }
}

fn addresses(config: &AmqpConfig) -> Result<Vec<AMQPUri>, ConnectError> {
    let urls = config.urls.iter();
    urls.map(|url| {
        let mut uri = AMQPUri::from_str(url.expose()).map_err(ConnectError::Address)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        Ok(uri)
    })
    .collect()
}

fn show(uri: &AMQPUri) -> String {
    format!("{}:{}", uri.authority.host, uri.authority.port)
}

/// How long nothing may come: longer than lapin itself waits for a heartbeat, since its words for that are better.
fn patience(uri: &AMQPUri) -> Option<Duration> {
    let heartbeat = uri.query.heartbeat.filter(|seconds| *seconds > 0)?;
    Some(Duration::from_millis(2_500) * u32::from(heartbeat))
}

fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(name.into())
        .with_client_property("product".into(), "xiebao-notify".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}
