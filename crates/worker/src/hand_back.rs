//! Returns unacknowledged deliveries to their queue as new messages, in a long database outage.

use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::message::Delivery;
use lapin::options::BasicCancelOptions;
use lapin::{Channel, Consumer};
use tokio::time::timeout;

use crate::delivery::acknowledge;
use crate::session::BROKER_ANSWERS_WITHIN;
use crate::worker::Worker;

/// Publishes in flight at once. A broker channel forwards at most 32 acknowledgements that a quorum queue has not yet
/// applied, and drops the rest when it is closed (RabbitMQ's `rabbit_fifo_client`): their messages would come back with
/// a raised delivery count. A confirm comes from the same log as the acknowledgement before it, so few are in flight.
const IN_FLIGHT: usize = 8;

/// Cancels the subscription and returns the deliveries that the broker had already sent.
pub async fn stop_taking(channel: &Channel, deliveries: &mut Consumer) -> Vec<Delivery> {
    let mut taken = Vec::new();
    let stopping = async {
        let tag = deliveries.tag();
        channel.basic_cancel(tag, BasicCancelOptions::default()).await?;
        while let Some(delivery) = deliveries.next().await {
            taken.push(delivery?);
        }
        Ok::<_, lapin::Error>(())
    };
    // If the broker is unreachable too, it requeues every delivery by itself.
    let _ = timeout(BROKER_ANSWERS_WITHIN, stopping).await;
    taken
}

/// Publishes each delivery again and acknowledges it after the confirm. If the broker accepts nothing, the rest stays
/// unacknowledged and is requeued when the channel ends.
pub async fn hand_back(worker: &Worker, queue: &'static str, unacknowledged: Vec<Delivery>) {
    let count = unacknowledged.len();
    tracing::warn!(
        queue,
        count,
        "the database is still unavailable; handing deliveries back"
    );
    let deliveries = stream::iter(unacknowledged.into_iter().map(Ok));
    let all = deliveries.try_for_each_concurrent(IN_FLIGHT, async |delivery| {
        match worker.publisher.hand_back(queue, &delivery).await {
            Ok(()) => {
                acknowledge(&delivery).await;
                worker.metrics.handed_back.inc();
                Ok(())
            }
            Err(error) if error.is_final() => {
                tracing::warn!(queue, error = %error, "a delivery cannot be handed back; the broker requeues it");
                Ok(())
            }
            Err(error) => Err(error),
        }
    });
    match all.await {
        Ok(()) => tracing::info!(queue, count, "deliveries handed back"),
        Err(error) => {
            tracing::warn!(queue, error = %error, "some deliveries could not be handed back; the broker requeues them");
        }
    }
}
