use std::collections::BTreeMap;

use lapin::types::AMQPValue;

/// A message taken off a queue.
#[derive(Debug, Clone)]
pub struct Message {
    pub body: Vec<u8>,
    pub exchange: String,
    pub routing_key: String,
    pub message_id: Option<String>,
    pub content_type: Option<String>,
    /// 2 is persistent.
    pub delivery_mode: Option<u8>,
    /// The headers with a text value.
    pub headers: BTreeMap<String, String>,
}

impl Message {
    pub(super) fn read(delivery: &lapin::message::Delivery) -> Self {
        let properties = &delivery.properties;
        let headers = properties.headers().iter().flat_map(|table| table.inner());
        let text = |value: &AMQPValue| match value {
            AMQPValue::LongString(text) => Some(text.to_string()),
            _ => None,
        };
        Self {
            body: delivery.data.clone(),
            exchange: delivery.exchange.to_string(),
            routing_key: delivery.routing_key.to_string(),
            message_id: properties.message_id().as_ref().map(ToString::to_string),
            content_type: properties.content_type().as_ref().map(ToString::to_string),
            delivery_mode: *properties.delivery_mode(),
            headers: headers
                .filter_map(|(name, value)| Some((name.to_string(), text(value)?)))
                .collect(),
        }
    }
}
