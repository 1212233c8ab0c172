//! What a session holds unacknowledged, and how it goes back to its queue in a long outage.

use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::message::Delivery;
use lapin::options::BasicCancelOptions;
use lapin::{Channel, Consumer};
use tokio::time::timeout;

use crate::Worker;
use crate::consumer::BROKER_ANSWERS_WITHIN;
use crate::failing::acknowledge;

/// Publishes in flight at once. The broker's channel passes on no more than 32 acknowledgements that a quorum queue has
/// not applied, and forgets the rest when it is closed (RabbitMQ's `rabbit_fifo_client`): their messages would come
/// back, counted. A confirm comes from the same log as the acknowledgement before it, so that few are ever under way.
const AT_ONCE: usize = 8;

/// Tells the broker to send no more; what it had sent already.
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
    // A broker that is away too takes everything back by itself.
    let _ = timeout(BROKER_ANSWERS_WITHIN, stopping).await;
    taken
}

/// Publishes all of it again, and acknowledges each once the broker has the new message. When the broker takes
/// nothing, the rest stays unacknowledged, and comes back with the end of the channel.
pub async fn hand_back(worker: &Worker, queue: &'static str, held: Vec<Delivery>) {
    let count = held.len();
    tracing::warn!(queue, count, "the database stays away; handing back what is held");
    let all = stream::iter(held.into_iter().map(Ok)).try_for_each_concurrent(AT_ONCE, async |delivery| {
        worker.publisher.hand_back(queue, &delivery).await?;
        acknowledge(&delivery).await;
        worker.metrics.handed_back.inc();
        Ok::<_, xiebao_runtime::amqp::Unavailable>(())
    });
    match all.await {
        Ok(()) => tracing::info!(queue, count, "handed back"),
        Err(error) => {
            tracing::warn!(queue, error = %error, "not all could be handed back; the broker returns the rest")
        }
    }
}
