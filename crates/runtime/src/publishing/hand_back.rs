//! A delivery that goes back to its queue as a new message. To return it would count against it: a quorum queue raises
//! `x-delivery-count` whenever a delivery comes back, by whatever way.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use xiebao_amqp::topology::NOTICES;
use xiebao_amqp::{Message, Unavailable};
use xiebao_core::envelope::header;

use super::NoticePublisher;

/// The broker's own count, which the new message begins anew.
const DELIVERY_COUNT: &str = "x-delivery-count";

impl NoticePublisher {
    /// Publishes a delivery of the queue `queue` to the exchange of the same name: its body, identity and headers,
    /// and the mark `x-handed-back`. `Ok`: a quorum queue has it, and the delivery can be acknowledged.
    ///
    /// # Errors
    /// When the broker did not confirm in time. Whether it has the message is not known.
    pub async fn hand_back(&self, queue: &'static str, delivery: &Delivery) -> Result<(), Unavailable> {
        let message = Message {
            exchange: queue,
            routing_key: routing_key(queue, delivery.routing_key.as_str()).into(),
            body: &delivery.data,
            properties: properties(&delivery.properties),
        };
        self.0.publish(&message).await
    }
}

/// A message that somebody moved straight into the queue has a key that its exchange does not know.
fn routing_key<'k>(queue: &str, key: &'k str) -> &'k str {
    match queue {
        NOTICES if !key.starts_with("notice.") => "notice.moved",
        _ => key,
    }
}

/// Drops the properties that concern the old message alone, such as an expiry or the user who published it.
fn properties(of: &BasicProperties) -> BasicProperties {
    let mut headers = FieldTable::default();
    let old = of.headers().iter().flat_map(|table| table.inner());
    for (name, value) in old.filter(|(name, _)| name.as_str() != DELIVERY_COUNT) {
        headers.insert(name.clone(), value.clone());
    }
    headers.insert(header::HANDED_BACK.into(), AMQPValue::LongString("1".into()));
    let mut properties = BasicProperties::default().with_headers(headers);
    if let Some(id) = of.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    if let Some(kind) = of.content_type() {
        properties = properties.with_content_type(kind.clone());
    }
    if let Some(time) = of.timestamp() {
        properties = properties.with_timestamp(*time);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_who_it_is_and_loses_what_the_broker_counted() {
        let mut headers = FieldTable::default();
        headers.insert(
            header::RECEIVED_AT.into(),
            AMQPValue::LongString("2026-01-01T00:00:00Z".into()),
        );
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongInt(3));
        let old = BasicProperties::default()
            .with_message_id("d1".into())
            .with_expiration("5".into())
            .with_headers(headers.clone());
        headers = FieldTable::default();
        headers.insert(
            header::RECEIVED_AT.into(),
            AMQPValue::LongString("2026-01-01T00:00:00Z".into()),
        );
        headers.insert(header::HANDED_BACK.into(), AMQPValue::LongString("1".into()));
        let new = BasicProperties::default()
            .with_message_id("d1".into())
            .with_headers(headers);
        assert_eq!(properties(&old), new);
    }

    #[test]
    fn a_key_that_the_exchange_does_not_know_is_replaced() {
        assert_eq!(routing_key(NOTICES, "notice.3"), "notice.3");
        assert_eq!(routing_key(NOTICES, "xiebao.notices"), "notice.moved");
        assert_eq!(routing_key("xiebao.dead", "notice.3"), "notice.3");
    }
}
