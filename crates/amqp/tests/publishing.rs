//! Publishing past lapin, with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

use std::collections::BTreeSet;
use std::sync::Arc;

use lapin::BasicProperties;
use tokio::task::JoinSet;
use xiebao_amqp::{Settings, connect_past_lapin, topology};
use xiebao_testkit::Broker;
use xiebao_wire::{ConfirmChannel, PublishError, WiredConnection};

async fn wired(url: &str) -> WiredConnection {
    let settings = Settings {
        urls: vec![url.to_owned()],
        connect_timeout: std::time::Duration::from_secs(3),
    };
    connect_past_lapin(&settings, "test").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_queue_is_never_acknowledged_unnoticed() {
    let broker = Broker::new().await;
    let connection = wired(&broker.url()).await;
    topology::ensure(&connection).await.unwrap();
    let channel = Arc::new(ConfirmChannel::open(&connection).await.unwrap());
    let mut publishes = JoinSet::new();
    for number in 0..2_000 {
        let channel = Arc::clone(&channel);
        publishes.spawn(async move {
            let id = number.to_string();
            // Every third has no queue to go to.
            let (exchange, key) = if number % 3 == 0 {
                ("", "no such queue")
            } else {
                (topology::NOTICES, "notice.1")
            };
            let properties = BasicProperties::default().with_message_id(id.as_str().into());
            channel.publish(exchange, key, id.as_bytes(), &properties).await
        });
    }
    let mut returned = BTreeSet::new();
    for outcome in publishes.join_all().await {
        match outcome {
            Ok(()) => {}
            Err(PublishError::Unroutable(message)) => {
                returned.insert(message.properties.message_id().as_ref().unwrap().to_string());
            }
            Err(error) => panic!("{error}"),
        }
    }
    let stored: BTreeSet<String> = broker
        .drain_at_least(topology::NOTICES, 1_333)
        .await
        .into_iter()
        .map(|message| String::from_utf8(message.body).unwrap())
        .collect();
    let unroutable: BTreeSet<String> = (0..2_000).step_by(3).map(|number| number.to_string()).collect();
    assert_eq!(stored.len() + unroutable.len(), 2_000);
    // Each came back to someone, who can publish it again; what is neither there nor back would be lost.
    assert_eq!(returned, unroutable);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirms_are_not_swapped_between_tasks_that_share_a_channel() {
    let broker = Broker::new().await;
    let connection = wired(&broker.url()).await;
    topology::ensure(&connection).await.unwrap();
    let channel = Arc::new(ConfirmChannel::open(&connection).await.unwrap());
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let channel = Arc::clone(&channel);
        tasks.spawn(async move {
            for turn in 0..500 {
                let id = format!("{task}-{turn}");
                let properties = BasicProperties::default().with_message_id(id.as_str().into());
                // Every other one is stored, so that both kinds are confirmed together.
                let key = ["no such queue", topology::NOTICES][turn % 2];
                match (turn % 2, channel.publish("", key, b"x", &properties).await) {
                    (0, Err(PublishError::Unroutable(message))) => {
                        assert_eq!(message.properties.message_id().as_ref().unwrap().as_str(), id);
                    }
                    (1, Ok(())) => {}
                    (_, other) => panic!("{id}: {other:?}"),
                }
            }
        });
    }
    // Each message that comes back is its own publish's, and nobody else's.
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_many_frames_arrives_whole_beside_small_ones() {
    let broker = Broker::new().await;
    let connection = wired(&broker.url()).await;
    topology::ensure(&connection).await.unwrap();
    let channel = Arc::new(ConfirmChannel::open(&connection).await.unwrap());
    let mut publishes = JoinSet::new();
    for number in 0..40_usize {
        let channel = Arc::clone(&channel);
        publishes.spawn(async move {
            let body = vec![u8::try_from(number).unwrap(); if number % 8 == 0 { 300_000 } else { 10 }];
            let properties = BasicProperties::default();
            channel
                .publish(topology::NOTICES, "notice.1", &body, &properties)
                .await
                .unwrap();
        });
    }
    publishes.join_all().await;
    let stored = broker.drain_at_least(topology::NOTICES, 40).await;
    assert_eq!(stored.len(), 40);
    for message in stored {
        let first = message.body[0];
        assert!(message.body.iter().all(|byte| *byte == first));
        assert_eq!(message.body.len(), if first % 8 == 0 { 300_000 } else { 10 });
    }
}
