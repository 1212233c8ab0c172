//! The channels of a connection with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lapin::BasicProperties;
use tokio::task::JoinSet;
use xiebao_amqp::topology::{self, NOTICES};
use xiebao_amqp::{ConfirmChannels, Message, PublishError, Settings, connect};
use xiebao_testkit::{Broker, Proxy};

/// Far fewer than the tests publish at once, so that channels are waited for and used again.
const MOST: usize = 16;

async fn channels(broker: &Broker) -> ConfirmChannels {
    let settings = Settings {
        urls: vec![broker.url()],
        connect_timeout: Duration::from_secs(3),
    };
    let connection = connect(&settings, "test").await.unwrap();
    topology::ensure(&connection).await.unwrap();
    ConfirmChannels::open(Arc::new(connection), MOST).await.unwrap()
}

fn message<'m>(exchange: &'static str, routing_key: &'m str, body: &'m [u8]) -> Message<'m> {
    Message {
        exchange,
        routing_key: routing_key.into(),
        body,
        properties: BasicProperties::default(),
    }
}

/// Publishes number `number`: every third message has no queue to go to.
async fn publish(channels: &ConfirmChannels, number: usize) -> Result<(), PublishError> {
    let body = number.to_string();
    match number % 3 {
        0 => {
            channels
                .publish(&message("", "no such queue", body.as_bytes()))
                .await
        }
        _ => {
            channels
                .publish(&message(NOTICES, "notice.1", body.as_bytes()))
                .await
        }
    }
}

async fn stored(broker: &Broker, count: usize) -> BTreeSet<usize> {
    let messages = broker.drain_at_least(NOTICES, count).await;
    let numbers = messages
        .into_iter()
        .map(|message| String::from_utf8(message.body).unwrap());
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returned_message_is_reported_to_its_own_publish_and_to_no_other() {
    let broker = Broker::new().await;
    let channels = channels(&broker).await;
    let mut publishes = JoinSet::new();
    for number in 0..2_000 {
        let channels = channels.clone();
        publishes.spawn(async move { (number, publish(&channels, number).await) });
    }
    let mut returned = BTreeSet::new();
    for (number, outcome) in publishes.join_all().await {
        match outcome {
            Ok(()) => {}
            Err(PublishError::Unroutable { code: 312, .. }) => drop(returned.insert(number)),
            Err(error) => panic!("{number}: {error}"),
        }
    }
    let unroutable: BTreeSet<usize> = (0..2_000).step_by(3).collect();
    assert_eq!(returned, unroutable);
    let routable: BTreeSet<usize> = (0..2_000).filter(|number| number % 3 != 0).collect();
    assert_eq!(stored(&broker, routable.len()).await, routable);
    assert!(!channels.is_waiting());
    assert_eq!(channels.ended(), 2_000);
}

/// A caller that leaves keeps its channel until the confirm has come. Were the channel used again at once, the next
/// publish on it would take that confirm, or that return, for its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_outcome_of_a_caller_that_has_left_reaches_the_next_publish() {
    let broker = Broker::new().await;
    let channels = channels(&broker).await;
    let mut callers = JoinSet::new();
    for number in 0..3_000_usize {
        let channels = channels.clone();
        // Two of three leave after some hundred microseconds, before, while and after the message is sent.
        let patience = match number % 2 {
            0 => Duration::from_secs(30),
            _ => Duration::from_micros(u64::try_from(number % 400).unwrap()),
        };
        callers.spawn(async move {
            let outcome = tokio::time::timeout(patience, publish(&channels, number)).await;
            (number, outcome)
        });
    }
    let mut confirmed = BTreeSet::new();
    for (number, outcome) in callers.join_all().await {
        match (outcome, number % 3) {
            (Err(_), _) => {}
            (Ok(Err(PublishError::Unroutable { .. })), 0) => {}
            (Ok(Ok(())), 1 | 2) => drop(confirmed.insert(number)),
            (Ok(outcome), _) => panic!("{number}: {outcome:?}"),
        }
    }
    assert!(confirmed.len() >= 1_000, "{} confirmed", confirmed.len());
    let stored = stored(&broker, confirmed.len()).await;
    assert_eq!(confirmed.difference(&stored).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_many_frames_arrives_whole_beside_small_ones() {
    let broker = Broker::new().await;
    let channels = channels(&broker).await;
    let mut publishes = JoinSet::new();
    for number in 0..40_usize {
        let channels = channels.clone();
        publishes.spawn(async move {
            let length = if number % 8 == 0 { 300_000 } else { 10 };
            let body = vec![u8::try_from(number).unwrap(); length];
            channels
                .publish(&message(NOTICES, "notice.1", &body))
                .await
                .unwrap();
        });
    }
    publishes.join_all().await;
    let stored = broker.drain_at_least(NOTICES, 40).await;
    assert_eq!(stored.len(), 40);
    for message in stored {
        let first = message.body[0];
        assert!(message.body.iter().all(|byte| *byte == first));
        assert_eq!(message.body.len(), if first % 8 == 0 { 300_000 } else { 10 });
    }
}

/// The broker stops reading (a memory alarm), callers leave, and the alarm ends: the messages that they left are written late,
/// on channels that are still open, and the connection goes on.
#[tokio::test(flavor = "multi_thread")]
async fn callers_that_leave_a_stalled_connection_do_not_cost_the_connection() {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    let settings = Settings {
        urls: vec![proxy.instead_of(&broker.url())],
        connect_timeout: Duration::from_secs(3),
    };
    let connection = Arc::new(connect(&settings, "test").await.unwrap());
    topology::ensure(&connection).await.unwrap();
    let channels = ConfirmChannels::open(Arc::clone(&connection), MOST)
        .await
        .unwrap();
    publish(&channels, 1).await.unwrap();
    proxy.stall();
    // Enough to fill the buffers on the way, so that some messages are not written when their callers leave.
    let body = vec![b'x'; 1 << 20];
    let mut callers = JoinSet::new();
    for _ in 0..MOST {
        let (channels, body) = (channels.clone(), body.clone());
        callers.spawn(async move {
            let message = message(NOTICES, "notice.1", &body);
            tokio::time::timeout(Duration::from_millis(300), channels.publish(&message))
                .await
                .is_err()
        });
    }
    assert!(callers.join_all().await.into_iter().all(|left| left));
    proxy.resume();
    let published = tokio::time::timeout(Duration::from_secs(20), publish(&channels, 2)).await;
    published.unwrap().unwrap();
    assert!(connection.status().connected());
}
