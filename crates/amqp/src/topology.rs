//! The exchanges, queues and bindings: the one place that declares them. The path of the notices and the record of refused
//! requests are declared apart, so that a fault of the record never affects the notices.
//!
//! An object that exists with other properties is reported with the difference (the broker's own words), never
//! silently accepted. <https://www.rabbitmq.com/docs/quorum-queues>

mod check;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};
use std::time::Duration;

use thiserror::Error;

pub use check::{ObjectReport, ObjectState, check};

/// Exchange and queue of notices for the workers to apply.
pub const NOTICES: &str = "xiebao.notices";
/// Exchange and queue of notices that failed for good.
pub const DEAD: &str = "xiebao.dead";
/// Exchanges and queues, of one name each, in which a failed notice waits for its next attempt, and for how long.
pub const RETRY: [(Duration, &str); 3] = [
    (Duration::from_secs(1), "xiebao.retry.1s"),
    (Duration::from_secs(5), "xiebao.retry.5s"),
    (Duration::from_secs(25), "xiebao.retry.25s"),
];
/// Exchange and queue of the record of refused requests: for people, apart from the notices.
pub const REFUSED: &str = "xiebao.refused";
/// Binding key of the queue of notices: any. A message that somebody put straight into a retry queue comes back with its name.
pub const NOTICES_BINDING: &str = "#";

/// Stops crash loops only; attempts to apply a notice are counted elsewhere.
const DELIVERY_LIMIT: i32 = 1_000;
/// A message that fails in the dead-letter queue has nowhere to go, and brokers from 4.0 on drop it after 20 deliveries.
const NEVER: i32 = 1_000_000_000;

/// Messages that record refused requests, with at most 100 records each.
const MOST_REFUSED: i32 = 1_000;

/// Why the topology is not as wanted.
#[derive(Debug, Error)]
pub enum TopologyError {
    /// Something of that name exists and differs.
    #[error("{object} exists but is not as wanted: {difference}")]
    Drift { object: String, difference: String },
    #[error("{object} could not be declared: {source}")]
    Broker { object: String, source: lapin::Error },
}

impl TopologyError {
    pub fn is_drift(&self) -> bool {
        matches!(self, Self::Drift { .. })
    }
}

/// Something that is declared.
#[derive(Debug, Clone)]
enum Object {
    Exchange(&'static str, ExchangeKind),
    Queue(&'static str, FieldTable),
    Binding {
        queue: &'static str,
        exchange: &'static str,
        routing_key: &'static str,
    },
}

/// A group of exchanges and queues that are declared together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The path of the notices: every object that the contract names.
    Notices,
    /// `xiebao.refused`.
    Record,
}

/// The path of the notices, in an order in which it can be declared.
fn wanted() -> Vec<Object> {
    let mut wanted = Vec::from(passage(DEAD, quorum([("x-delivery-limit", number(NEVER))])));
    wanted.extend([
        Object::Exchange(NOTICES, ExchangeKind::Topic),
        Object::Queue(
            NOTICES,
            quorum([
                ("x-delivery-limit", number(DELIVERY_LIMIT)),
                ("x-dead-letter-exchange", text(DEAD)),
                ("x-dead-letter-strategy", text("at-least-once")),
            ]),
        ),
        Object::Binding {
            queue: NOTICES,
            exchange: NOTICES,
            routing_key: NOTICES_BINDING,
        },
    ]);
    for (length, name) in RETRY {
        wanted.extend(passage(name, waiting_room(length)));
    }
    wanted
}

impl Part {
    const ALL: [Self; 2] = [Self::Notices, Self::Record];

    fn wanted(self) -> Vec<Object> {
        match self {
            Self::Notices => wanted(),
            Self::Record => Vec::from(passage(REFUSED, record())),
        }
    }

    /// Declares the objects of this part. Objects that already exist as wanted stay untouched.
    ///
    /// # Errors
    /// When something differs, or the broker does not let it be declared.
    pub async fn ensure(self, connection: &Connection) -> Result<(), TopologyError> {
        declare(connection, &self.wanted()).await
    }
}

/// Nothing depends on the record: when nobody reads it, its oldest message makes room for the next.
fn record() -> FieldTable {
    let mut arguments = FieldTable::default();
    for (name, value) in [
        ("x-queue-type", text("quorum")),
        ("x-max-length", number(MOST_REFUSED)),
        ("x-overflow", text("drop-head")),
        ("x-delivery-limit", number(DELIVERY_LIMIT)),
    ] {
        arguments.insert(name.into(), value);
    }
    arguments
}

/// An exchange, and a queue of the same name that gets all its messages. Routing keys pass through unchanged.
fn passage(name: &'static str, arguments: FieldTable) -> [Object; 3] {
    [
        Object::Exchange(name, ExchangeKind::Fanout),
        Object::Queue(name, arguments),
        Object::Binding {
            queue: name,
            exchange: name,
            routing_key: "",
        },
    ]
}

/// Nobody consumes from this queue. After its time a message goes back to the queue of notices, at least once.
fn waiting_room(length: Duration) -> FieldTable {
    let milliseconds = i32::try_from(length.as_millis()).unwrap_or(i32::MAX);
    quorum([
        ("x-message-ttl", number(milliseconds)),
        ("x-dead-letter-exchange", text(NOTICES)),
        ("x-dead-letter-strategy", text("at-least-once")),
    ])
}

/// A queue that refuses messages above its limit: dropping its oldest message would lose it, and at-least-once
/// dead-lettering works only with this overflow.
fn quorum(more: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> FieldTable {
    let mut arguments = FieldTable::default();
    let always = [
        ("x-queue-type", text("quorum")),
        ("x-overflow", text("reject-publish")),
    ];
    for (name, value) in always.into_iter().chain(more) {
        arguments.insert(name.into(), value);
    }
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn number(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}

/// Declares the path of the notices.
///
/// # Errors
/// Those of [`Part::ensure`].
pub async fn ensure(connection: &Connection) -> Result<(), TopologyError> {
    Part::Notices.ensure(connection).await
}

/// Declares the record of refused requests. Handling notices does not depend on it.
///
/// # Errors
/// Those of [`Part::ensure`].
pub async fn ensure_refused(connection: &Connection) -> Result<(), TopologyError> {
    Part::Record.ensure(connection).await
}

async fn declare(connection: &Connection, objects: &[Object]) -> Result<(), TopologyError> {
    let open_channel = connection.create_channel();
    let channel = open_channel
        .await
        .map_err(|e| TopologyError::new("a channel".to_owned(), e))?;
    for object in objects {
        object
            .declare(&channel)
            .await
            .map_err(|e| TopologyError::new(object.describe(), e))?;
    }
    // The topology is declared; a failure to close the channel does not matter.
    let _ = channel.close(200, "done".into()).await;
    Ok(())
}

impl TopologyError {
    fn new(object: String, source: lapin::Error) -> Self {
        match soft_error(&source) {
            Some((AMQPSoftError::PRECONDITIONFAILED, difference)) => Self::Drift { object, difference },
            _ => Self::Broker { object, source },
        }
    }
}

/// The broker's error, if it closed only the channel.
fn soft_error(error: &lapin::Error) -> Option<(AMQPSoftError, String)> {
    match error.kind() {
        ErrorKind::ProtocolError(complaint) => match complaint.kind() {
            AMQPErrorKind::Soft(kind) => Some((kind.clone(), complaint.get_message().to_string())),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}

impl Object {
    fn describe(&self) -> String {
        match self {
            Self::Exchange(name, _) => format!("exchange {name}"),
            Self::Queue(name, _) => format!("queue {name}"),
            Self::Binding { queue, exchange, .. } => {
                format!("binding of queue {queue} to exchange {exchange}")
            }
        }
    }

    async fn declare(&self, channel: &Channel) -> Result<(), lapin::Error> {
        match self.clone() {
            Self::Exchange(name, kind) => {
                let options = ExchangeDeclareOptions {
                    durable: true,
                    ..ExchangeDeclareOptions::default()
                };
                channel
                    .exchange_declare(name.into(), kind, options, FieldTable::default())
                    .await
            }
            Self::Queue(name, arguments) => {
                let options = QueueDeclareOptions {
                    durable: true,
                    ..QueueDeclareOptions::default()
                };
                channel
                    .queue_declare(name.into(), options, arguments)
                    .await
                    .map(drop)
            }
            Self::Binding {
                queue,
                exchange,
                routing_key,
            } => {
                let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
                channel
                    .queue_bind(
                        queue.into(),
                        exchange.into(),
                        routing_key.into(),
                        options,
                        arguments,
                    )
                    .await
            }
        }
    }
}
