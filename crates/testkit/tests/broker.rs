//! A vhost that goes leaves the broker as it was for the tests beside it.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use tokio::task::JoinSet;
use xiebao_testkit::{Broker, PrivateBroker};

const VHOSTS: u64 = 48;

/// As the queues where notices wait: the broker starts a process of its own for each.
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
async fn a_vhost_that_goes_while_queues_are_declared_in_it_harms_no_other() {
    // Should it fail, no other test is to suffer.
    let private = Arc::new(PrivateBroker::start().await);
    let mut goings = JoinSet::new();
    for number in 0..VHOSTS {
        let private = Arc::clone(&private);
        goings.spawn(async move {
            let broker = Broker::of(&private).await;
            // It may be broken off at any moment.
            let _ = tokio::time::timeout(Duration::from_millis(number * 5), declare(&broker)).await;
            tokio::task::spawn_blocking(move || drop(broker)).await
        });
    }
    while let Some(gone) = goings.join_next().await {
        gone.expect("it goes").expect("it goes");
    }
    declare(&Broker::of(&private).await)
        .await
        .expect("such a queue can still be declared");
}
