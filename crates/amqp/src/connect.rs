//! Single connections, each for an owner who closes it.

use std::sync::Arc;

use tokio::runtime::Handle;
use xiebao_wire::{ReadGate, WiredConnection};

use crate::broker::{Broker, ConnectError, Connection, Settings};
use crate::first_success::first_success;

/// One connection to any node of this broker, for an owner who closes it. Must be called inside the Tokio runtime that the
/// connection will live in.
///
/// # Errors
/// When every node failed.
pub async fn connect(settings: &Settings, name: &str) -> Result<lapin::Connection, ConnectError> {
    Ok(Connection::take(
        Broker::for_consumer(settings, name, None)?.connection().await?,
    ))
}

/// [`connect`], for a consumer that bounds the bytes in its hands by the gate.
///
/// # Errors
/// When every node failed.
pub async fn connect_behind(
    gate: &Arc<ReadGate>,
    settings: &Settings,
    name: &str,
) -> Result<lapin::Connection, ConnectError> {
    let broker = Broker::for_consumer(settings, name, Some(gate))?;
    Ok(Connection::take(broker.connection().await?))
}

/// One connection to a node of this broker on which publishes go past lapin; its socket lives in the current Tokio runtime.
///
/// # Errors
/// When every node failed.
pub async fn connect_past_lapin(settings: &Settings, name: &str) -> Result<WiredConnection, ConnectError> {
    let (broker, here) = (Broker::new(settings, name, 1)?, Handle::current());
    let attempt = |number: usize| broker.wired_to(number, &here);
    let (_, connection) = first_success(broker.addresses(), 0, attempt).await?;
    Ok(connection)
}
