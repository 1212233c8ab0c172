//! Deleting a vhost leaves the broker intact for the tests beside it.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use tokio::task::JoinSet;
use xiebao_testkit::{Broker, PrivateBroker};

const VHOSTS: u64 = 48;

/// Declares queues with the arguments of the notices queue; the broker starts a dead-letter process for each.
async fn declare(broker: &Broker) -> lapin::Result<()> {
    let (_connection, channel) = broker.channel().await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-dead-letter-exchange".into(), text("amq.fanout"));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    for name in ["one", "two", "three"] {
        channel
            .queue_declare(name.into(), options, arguments.clone())
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vhost_deleted_while_queues_are_declared_in_it_harms_no_other() {
    // A failure must not harm the other tests.
    let private = Arc::new(PrivateBroker::start().await);
    let mut deletions = JoinSet::new();
    for number in 0..VHOSTS {
        let private = Arc::clone(&private);
        deletions.spawn(async move {
            let broker = Broker::of(&private).await;
            // The declaration may break off at any moment.
            let _ = tokio::time::timeout(Duration::from_millis(number * 5), declare(&broker)).await;
            tokio::task::spawn_blocking(move || drop(broker)).await
        });
    }
    while let Some(gone) = deletions.join_next().await {
        gone.expect("no task panics").expect("no drop panics");
    }
    declare(&Broker::of(&private).await)
        .await
        .expect("such queues can still be declared");
}
