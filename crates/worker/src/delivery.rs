//! Reading and acknowledging a single delivery.

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};

/// The value of a header; `None` if it is absent or not UTF-8 text.
pub fn text_header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    let headers = delivery.properties.headers().as_ref()?;
    let value = headers.inner().get(name)?.as_long_string()?;
    std::str::from_utf8(value.as_bytes()).ok()
}

/// Acknowledges one delivery. If the acknowledgement is lost, the broker redelivers the notice, which is then a duplicate.
pub async fn acknowledge(delivery: &Delivery) {
    if let Err(error) = delivery.acker.ack(BasicAckOptions::default()).await {
        tracing::debug!(error = %error, "an acknowledgement was lost; the notice will be redelivered");
    }
}

/// Lets the broker dead-letter a delivery, at least once, to the queue of dead letters.
pub async fn reject(delivery: &Delivery) {
    if let Err(error) = delivery.acker.reject(BasicRejectOptions { requeue: false }).await {
        tracing::debug!(error = %error, "an acknowledgement was lost; the notice will be redelivered");
    }
}
