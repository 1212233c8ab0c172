//! Connections to the broker.

use std::str::FromStr;
use std::time::Duration;

use deadpool_lapin::{Config as PoolSettings, PoolConfig, Runtime};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use thiserror::Error;

use crate::config::AmqpConfig;

pub use deadpool_lapin::Pool;

/// Seconds between heartbeats, unless the address says otherwise. A peer that vanished is noticed after twice that.
const HEARTBEAT: u16 = 10;

/// Largest frame, unless the address says otherwise. Notices are small, and the client keeps 64 frames of memory for
/// every connection: 8 MiB with the broker's own 128 KiB.
const FRAME_MAX: u32 = 32 * 1024;

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("the broker's address can't be used: {0}")]
    Address(String),
    #[error("no connection to the broker within {0:?}")]
    Timeout(Duration),
    #[error("no connection to the broker: {0}")]
    Broker(#[from] lapin::Error),
    #[error("no connection to the broker: {0}")]
    Pool(String),
}

/// Opens one connection, named so that the broker's own tools tell whose it is. Must be called inside a Tokio
/// runtime, and lives no longer than that.
pub async fn connect(config: &AmqpConfig, name: &str) -> Result<Connection, ConnectError> {
    let connecting = Connection::connect_uri(address(config)?, properties(name));
    within(config.connect_timeout, connecting).await
}

/// A pool of named connections. Must be called inside the Tokio runtime that the connections will live in.
pub fn pool(config: &AmqpConfig, name: &str, size: usize) -> Result<Pool, ConnectError> {
    let settings = PoolSettings {
        url: Some(address(config)?.to_string()),
        pool: Some(PoolConfig::new(size)),
    };
    let name = name.to_owned();
    settings
        .create_pool(move || properties(&name), Runtime::Tokio1)
        .map_err(|e| ConnectError::Pool(e.to_string()))
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

impl From<deadpool_lapin::PoolError> for ConnectError {
    fn from(error: deadpool_lapin::PoolError) -> Self {
        match error {
            deadpool_lapin::PoolError::Backend(error) => Self::Broker(error),
            other => Self::Pool(other.to_string()),
        }
    }
}

fn address(config: &AmqpConfig) -> Result<AMQPUri, ConnectError> {
    let mut address = AMQPUri::from_str(config.url.expose()).map_err(ConnectError::Address)?;
    address.query.heartbeat.get_or_insert(HEARTBEAT);
    address.query.frame_max.get_or_insert(FRAME_MAX);
    Ok(address)
}

fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(name.into())
        .with_client_property("product".into(), "xiebao-notify".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}
