//! Checks the topology without creating anything.

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::protocol::AMQPSoftError;
use lapin::types::FieldTable;
use lapin::{Channel, Connection};

use super::{Object, Part, TopologyError, soft_error};

/// An exchange or a queue, and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReport {
    /// As in `queue xiebao.notices`.
    pub object: String,
    /// The part that declares the object.
    pub part: Part,
    pub state: ObjectState,
}

/// The state of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectState {
    /// As wanted. For a queue also the number of waiting messages and the number of consumers.
    AsWanted {
        queue: Option<(u32, u32)>,
    },
    Missing,
    /// The difference, in the broker's words. For the record also the broker's refusal to let the user look at it or declare it.
    Drift(String),
}

/// Reports on every exchange and queue. The protocol has no way to look at bindings.
///
/// # Errors
/// When the broker can't be asked.
pub async fn check(connection: &Connection) -> Result<Vec<ObjectReport>, TopologyError> {
    let mut reports = Vec::new();
    for (part, object) in Part::ALL.into_iter().flat_map(objects) {
        if !matches!(object, Object::Binding { .. }) {
            let fail = |e| TopologyError::new(object.describe(), e);
            // Each object gets its own channel, because every error closes the channel.
            let channel = connection.create_channel().await.map_err(fail)?;
            let state = match (part, state(&object, &channel).await) {
                (Part::Record, Err(error)) => denied(error).map_err(fail)?,
                (_, state) => state.map_err(fail)?,
            };
            reports.push(ObjectReport {
                object: object.describe(),
                part,
                state,
            });
        }
    }
    Ok(reports)
}

fn objects(part: Part) -> impl Iterator<Item = (Part, Object)> {
    part.wanted().into_iter().map(move |object| (part, object))
}

/// A user without permission for the record can still check the path of the notices.
fn denied(error: lapin::Error) -> Result<ObjectState, lapin::Error> {
    match soft_error(&error) {
        Some((AMQPSoftError::ACCESSREFUSED, words)) => Ok(ObjectState::Drift(words)),
        _ => Err(error),
    }
}

/// A passive declaration finds the object but compares nothing. The active one that follows compares, and creates nothing
/// because the object exists.
async fn state(object: &Object, channel: &Channel) -> Result<ObjectState, lapin::Error> {
    let looked_up = match look_up(object, channel).await {
        Ok(queue) => object.declare(channel).await.map(|()| queue),
        Err(error) => Err(error),
    };
    match looked_up {
        Ok(queue) => Ok(ObjectState::AsWanted { queue }),
        Err(error) => match soft_error(&error) {
            Some((AMQPSoftError::NOTFOUND, _)) => Ok(ObjectState::Missing),
            Some((AMQPSoftError::PRECONDITIONFAILED, difference)) => Ok(ObjectState::Drift(difference)),
            _ => Err(error),
        },
    }
}

async fn look_up(object: &Object, channel: &Channel) -> Result<Option<(u32, u32)>, lapin::Error> {
    match object.clone() {
        Object::Exchange(name, kind) => {
            let options = ExchangeDeclareOptions {
                passive: true,
                ..ExchangeDeclareOptions::default()
            };
            channel
                .exchange_declare(name.into(), kind, options, FieldTable::default())
                .await
                .map(|()| None)
        }
        Object::Queue(name, _) => {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let queue = channel
                .queue_declare(name.into(), options, FieldTable::default())
                .await?;
            Ok(Some((queue.message_count(), queue.consumer_count())))
        }
        Object::Binding { .. } => Ok(None),
    }
}
