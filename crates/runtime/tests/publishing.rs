//! Publishing with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::options::QueueBindOptions;
use lapin::types::FieldTable;
use tokio::task::JoinSet;
use xiebao_core::attempts::{Attempt, Attempts, Delay};
use xiebao_core::envelope::Envelope;
use xiebao_core::reason::Reason;
use xiebao_runtime::amqp::{ConfirmChannel, PublishError, Publisher, Wired, connect_wired, topology};
use xiebao_runtime::clock;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_testkit::{Broker, KEY, PARTNER, notice};

fn envelope(number: usize) -> Envelope {
    let data = serde_json::json!({"partnerId": PARTNER, "insureNum": number.to_string(), "state": true});
    Envelope::from_message(Bytes::from(notice(1, &data, KEY)), |_| None, clock::now()).unwrap()
}

fn config(url: &str) -> Config {
    let environment = Environment::from_pairs([("XIEBAO__AMQP__URL", url)]);
    Config::load(None, &environment, Needs::NOTHING).unwrap()
}

async fn wired(url: &str) -> Wired {
    connect_wired(config(url).require_amqp().unwrap(), "test")
        .await
        .unwrap()
}

fn publisher(url: &str, timeout: Duration) -> Publisher {
    let config = config(url);
    Publisher::start(config.require_amqp().unwrap(), "test", 2, timeout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_envelope_is_on_the_queue_that_it_belongs_to() {
    let broker = Broker::new().await;
    let publisher = publisher(&broker.url(), Duration::from_secs(5));
    publisher.publish(&envelope(1)).await.unwrap();
    publisher
        .publish_dead(
            &envelope(2),
            Reason::TooLong,
            "policyNum has 65 characters, 64 fit",
            &Attempts::default(),
        )
        .await
        .unwrap();
    let mut attempts = Attempts::default();
    attempts.fail(Attempt::new(clock::now(), "host/1", "refused"));
    publisher
        .publish_retry(&envelope(3), &attempts, Delay::Long)
        .await
        .unwrap();
    publisher.close().await;
    let waiting = broker.drain("xiebao.retry.25s").await;
    assert_eq!((waiting.len(), waiting[0].routing_key.as_str()), (1, "notice.1"));
    assert_eq!(waiting[0].headers["x-attempts"], "1");
    assert_eq!(waiting[0].headers["x-attempt-log"], attempts.log());
    let notices = broker.drain(topology::NOTICES).await;
    assert_eq!((notices.len(), notices[0].routing_key.as_str()), (1, "notice.1"));
    let dead = broker.drain(topology::DEAD).await;
    assert_eq!(
        (dead.len(), dead[0].headers["x-dead-reason"].as_str()),
        (1, "too_long")
    );
    assert_eq!(
        dead[0].headers["x-dead-detail"],
        "policyNum has 65 characters, 64 fit"
    );
    assert_eq!(dead[0].headers["x-insure-num"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_a_publish_ends_at_its_bound_and_says_why() {
    let publisher = publisher("amqp://127.0.0.1:1/none", Duration::from_millis(300));
    let begun = Instant::now();
    let error = publisher.publish(&envelope(1)).await.unwrap_err();
    assert!(
        (290..600).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        error.to_string().contains("no connection to the broker"),
        "{error}"
    );
    assert!(publisher.ready().is_err());
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
            channel.publish(exchange, key, id.as_bytes(), properties).await
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
                match (turn % 2, channel.publish("", key, b"x", properties).await) {
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

/// Binds and unbinds the queue of notices until it is dropped.
async fn pull_the_binding(broker: &Broker) -> tokio::task::JoinHandle<()> {
    let (connection, channel) = broker.channel().await;
    topology::ensure(&connection).await.unwrap();
    tokio::spawn(async move {
        let _connection = connection;
        let (name, key) = (topology::NOTICES, topology::NOTICES_BINDING);
        for _ in 0..15 {
            let table = FieldTable::default();
            channel
                .queue_unbind(name.into(), name.into(), key.into(), table.clone())
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(15)).await;
            let options = QueueBindOptions::default();
            channel
                .queue_bind(name.into(), name.into(), key.into(), options, table)
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_in_a_queue_though_other_callers_left_and_the_binding_was_gone() {
    let broker = Broker::new().await;
    let publisher = Arc::new(publisher(&broker.url(), Duration::from_secs(5)));
    let pulling = pull_the_binding(&broker).await;
    publisher.opened().await;
    let mut callers = JoinSet::new();
    let mut acknowledged = BTreeSet::new();
    for number in 0.. {
        if pulling.is_finished() {
            break;
        }
        let publisher = Arc::clone(&publisher);
        callers.spawn(async move {
            let envelope = envelope(number);
            // Every other one leaves at once, as a client does that hangs up.
            let patience = Duration::from_micros(if number % 2 == 0 { 10_000_000 } else { 500 });
            let told = tokio::time::timeout(patience, publisher.publish(&envelope)).await;
            matches!(told, Ok(Ok(()))).then(|| envelope.digest().to_string())
        });
        while callers.len() > 200 {
            acknowledged.extend(callers.join_next().await.unwrap().unwrap());
        }
    }
    acknowledged.extend(callers.join_all().await.into_iter().flatten());
    pulling.await.unwrap();
    publisher.close().await;
    let stored: BTreeSet<String> = broker
        .drain(topology::NOTICES)
        .await
        .into_iter()
        .filter_map(|message| message.message_id)
        .collect();
    assert!(acknowledged.len() > 100, "{} acknowledged", acknowledged.len());
    let lost = acknowledged.difference(&stored).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
}

/// A thread with a runtime of its own, in which one connection of the publisher lives until the sender is dropped, and
/// which publishes there first.
fn home(
    publisher: &Arc<Publisher>,
    number: usize,
) -> (tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let publisher = Arc::clone(publisher);
    let (stay, leave) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            publisher.house_one_here();
            publisher.publish(&envelope(number)).await.unwrap();
            let _ = leave.await;
        });
    });
    (stay, thread)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_left_to_the_others_when_its_thread_ends() {
    let broker = Broker::new().await;
    let config = config(&broker.url());
    let amqp = config.require_amqp().unwrap();
    let publisher = Arc::new(Publisher::start_homeless(amqp, "test", 1, Duration::from_secs(5)).unwrap());
    assert!(publisher.ready().is_err());
    for round in 0..3 {
        let (stay, thread) = home(&publisher, 10 * round);
        // From elsewhere as well.
        publisher.publish(&envelope(10 * round + 1)).await.unwrap();
        drop(stay);
        tokio::task::spawn_blocking(|| thread.join().unwrap())
            .await
            .unwrap();
        // Those who are still at work have the connection, as on a shutdown, when idle threads end first.
        publisher.publish(&envelope(10 * round + 2)).await.unwrap();
        // The next thread takes it over.
    }
    publisher.close().await;
    assert_eq!(broker.drain(topology::NOTICES).await.len(), 3 * 3);
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
                .publish(topology::NOTICES, "notice.1", &body, properties)
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
