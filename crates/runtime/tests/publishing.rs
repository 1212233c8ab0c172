//! Publishing of notices with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lapin::options::QueueBindOptions;
use lapin::types::FieldTable;
use tokio::task::JoinSet;
use xiebao_amqp::topology;
use xiebao_core::attempts::{Attempt, Attempts, Delay};
use xiebao_core::envelope::Envelope;
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_testkit::{Broker, KEY, PARTNER, notice};

fn envelope(number: usize) -> Envelope {
    let data = serde_json::json!({"partnerId": PARTNER, "insureNum": number.to_string(), "state": true});
    Envelope::from_message(Bytes::from(notice(1, &data, KEY)), |_| None, clock::now()).unwrap()
}

fn config(url: &str) -> Config {
    let environment = Environment::from_pairs([("XIEBAO__AMQP__URL", url)]);
    Config::load(None, &environment, Needs::NOTHING).unwrap()
}

fn publisher(url: &str, timeout: Duration) -> NoticePublisher {
    let config = config(url);
    NoticePublisher::start(config.require_amqp().unwrap(), "test", 2, timeout).unwrap()
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

/// A thread with a runtime of its own, to which one connection of the publisher is pinned until the sender is dropped, and
/// which publishes there first.
fn pinned_thread(
    publisher: &Arc<NoticePublisher>,
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
            publisher.pin_to_this_thread();
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
    let publisher =
        Arc::new(NoticePublisher::start_unpinned(amqp, "test", 1, Duration::from_secs(5)).unwrap());
    assert!(publisher.ready().is_err());
    for round in 0..3 {
        let (stay, thread) = pinned_thread(&publisher, 10 * round);
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
