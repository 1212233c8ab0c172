//! Connections, and a queue that exists for one shape of load.

use std::time::Duration;

use lapin::options::{
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};

use crate::Failure;

/// The longest time to open or delete something; lapin itself would wait for ever.
const CONFIRM_WITHIN: Duration = Duration::from_secs(30);

/// The broker deletes the queue of a killed run after this time. Publishing does not count as use, so the time is
/// longer than any measurement.
const EXPIRY_MS: i32 = 2 * 3_600 * 1_000;

/// A queue with its exchange, empty at first.
pub struct ScratchQueue {
    connections: Vec<Connection>,
    /// The name of the queue, and of its exchange.
    name: ShortString,
}

impl ScratchQueue {
    /// Creates the queue. `url` may hold several addresses separated by commas; the first one is used.
    pub async fn open(url: &str, connections: usize) -> Result<Self, Failure> {
        let url = url.split(',').next().unwrap_or_default();
        let mut queue = Self {
            connections: Vec::new(),
            name: format!("raw-broker.{:016x}", rand::random::<u64>()).into(),
        };
        for _ in 0..connections {
            queue.connections.push(within(connect(url)).await?);
        }
        within(queue.declare()).await?;
        Ok(queue)
    }

    pub fn exchange(&self) -> ShortString {
        self.name.clone()
    }

    /// Opens a channel in confirm mode. Consecutive numbers go to different connections, if there are several.
    pub async fn channel(&self, number: usize) -> Result<Channel, Failure> {
        let connection = &self.connections[number % self.connections.len()];
        within(async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        })
        .await
    }

    /// A small copy of the receiver's topology. The broker deletes the exchange together with its queue.
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

    /// Deletes the queue with its messages, and closes the connections.
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
            // The queue is deleted; errors of the connection no longer matter.
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
    match tokio::time::timeout(CONFIRM_WITHIN, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Unreachable(format!(
            "the broker did not answer within {CONFIRM_WITHIN:?}"
        ))),
    }
}
