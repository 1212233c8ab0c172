//! A connection with one subscription: the part that the consumers of all three queues share.

use std::time::Duration;

use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use thiserror::Error;
use tokio::time::timeout;
use xiebao_amqp::ConnectError;
use xiebao_amqp::topology::{Part, TopologyError};

/// Bound on a single answer of the broker; lapin waits for ever if the server vanishes.
pub const BROKER_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Bound on closing a connection.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// Bound on finishing the lanes of a session that has ended. Together with [`CLOSE_WITHIN`] it stays below the grace of
/// the whole worker.
pub const LANES_FINISH_WITHIN: Duration = Duration::from_secs(15);

/// How long a batch at work may still wait for the database after the signal to stop.
pub const DATABASE_PATIENCE: Duration = Duration::from_secs(3);

/// Why a session could not begin or has ended.
#[derive(Debug, Error)]
pub enum SessionError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The topology could not be declared, or differs.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The broker closed the channel or the connection.
    #[error("the broker broke off: {0}")]
    Broker(#[from] lapin::Error),
    /// The broker did not answer within the bound.
    #[error("no answer from the broker within {0:?}")]
    Silent(Duration),
}

/// Consumes from a queue with at most `prefetch` unacknowledged deliveries. Declares `part` of the topology first, in
/// case the queue was deleted.
///
/// # Errors
/// If the topology cannot be declared, or the broker refuses or does not answer within [`BROKER_ANSWERS_WITHIN`].
pub async fn subscribe(
    connection: &Connection,
    part: Part,
    queue: &str,
    prefetch: u16,
) -> Result<(Channel, Consumer), SessionError> {
    let subscribing = async {
        part.ensure(connection).await?;
        let channel = connection.create_channel().await?;
        let consumer = consume(&channel, queue, prefetch).await?;
        Ok((channel, consumer))
    };
    let silent = |_| SessionError::Silent(BROKER_ANSWERS_WITHIN);
    timeout(BROKER_ANSWERS_WITHIN, subscribing)
        .await
        .map_err(silent)?
}

/// Begins a subscription on an open channel.
///
/// # Errors
/// If the broker refuses.
pub async fn consume(channel: &Channel, queue: &str, prefetch: u16) -> Result<Consumer, lapin::Error> {
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    channel
        .basic_consume(queue.into(), "".into(), options, arguments)
        .await
}

/// Closes the connection, for at most [`CLOSE_WITHIN`]. The broker requeues its unacknowledged deliveries.
pub async fn close(connection: &Connection) {
    let _ = timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await;
}
