//! Records of refused requests, on their way to the table in which people look them up.

use lapin::BasicProperties;
use xiebao_amqp::topology::REFUSED;
use xiebao_amqp::{Message, Unavailable};
use xiebao_core::refused::{self, Refused};

use super::RefusedPublisher;

impl RefusedPublisher {
    /// Publishes records to `xiebao.refused`.
    ///
    /// # Errors
    /// When the broker did not confirm in time. Whether it has the message is not known; a record that comes twice is
    /// filed once.
    pub async fn publish(&self, records: &[Refused]) -> Result<(), Unavailable> {
        let body = refused::write(records);
        let message = Message {
            exchange: REFUSED,
            routing_key: "".into(),
            body: &body,
            properties: BasicProperties::default().with_content_type("application/json".into()),
        };
        self.0.publish(&message).await
    }
}
