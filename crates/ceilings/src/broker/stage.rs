//! Connections, and a queue of one's own for as long as one shape of load lasts.

use std::time::Duration;

use lapin::options::{
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};

use crate::Failure;

/// How long the broker may take to open or delete something: lapin itself may wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// After that long the broker deletes a queue that a killed program left behind. Publishing does not count as use, so
/// it is longer than any measurement.
const EXPIRY_MS: i32 = 2 * 3_600 * 1_000;

/// What is published to, empty at first.
pub struct Stage {
    connections: Vec<Connection>,
    /// Of the queue and of its exchange.
    name: ShortString,
}

impl Stage {
    /// `url`: one address, or several with commas between them, of which the first is taken.
    pub async fn open(url: &str, connections: usize) -> Result<Self, Failure> {
        let url = url.split(',').next().unwrap_or_default();
        let mut stage = Self {
            connections: Vec::new(),
            name: format!("raw-broker.{:016x}", rand::random::<u64>()).into(),
        };
        for _ in 0..connections {
            stage.connections.push(within(connect(url)).await?);
        }
        within(stage.declare()).await?;
        Ok(stage)
    }

    pub fn exchange(&self) -> ShortString {
        self.name.clone()
    }

    /// One in confirm mode. Those with consecutive numbers are on different connections, if there are several.
    pub async fn channel(&self, number: usize) -> Result<Channel, Failure> {
        let connection = &self.connections[number % self.connections.len()];
        within(async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        })
        .await
    }

    /// The receiver's topology in small. The exchange goes with its queue.
    async fn declare(&self) -> Result<(), Failure> {
        let channel = self.connections[0].create_channel().await?;
        let exchange = ExchangeDeclareOptions {
            durable: true,
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let nothing = FieldTable::default;
        channel
            .exchange_declare(self.exchange(), ExchangeKind::Topic, exchange, nothing())
            .await?;
        let queue = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel.queue_declare(self.name.clone(), queue, quorum()).await?;
        let (binding, options) = ("notice.#".into(), QueueBindOptions::default());
        channel
            .queue_bind(self.name.clone(), self.exchange(), binding, options, nothing())
            .await?;
        Ok(())
    }

    /// Deletes the queue and all that is in it, and closes the connections.
    pub async fn clear(self) -> Result<(), Failure> {
        let deleted = within(async {
            let channel = self.connections[0].create_channel().await?;
            channel
                .queue_delete(self.name.clone(), QueueDeleteOptions::default())
                .await?;
            Ok(())
        })
        .await;
        for connection in &self.connections {
            // The queue is gone, whatever becomes of the connection.
            let _ = within(async { Ok(connection.close(200, "done".into()).await?) }).await;
        }
        deleted
    }
}

async fn connect(url: &str) -> Result<Connection, Failure> {
    let properties = ConnectionProperties::default().with_connection_name("raw-broker".into());
    Ok(Connection::connect(url, properties).await?)
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    let text = |value: &str| AMQPValue::LongString(value.into());
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-expires".into(), AMQPValue::LongInt(EXPIRY_MS));
    arguments
}

async fn within<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Unreachable(format!(
            "the broker did not answer within {PATIENCE:?}"
        ))),
    }
}
