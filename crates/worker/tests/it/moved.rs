//! Messages that a person moves from `xiebao.dead` to `xiebao.notices` while no worker runs.

use std::time::Duration;

use bytes::Bytes;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicRejectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel};
use serde_json::json;
use xiebao_amqp::topology::{DEAD, NOTICES};
use xiebao_core::attempts::Attempts;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_testkit::{KEY, PARTNER, notice};

use crate::stage::{Stage, data, eventually, paid};

/// Where a person puts a message, and what becomes of its headers.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// As a shovel or the management page does: by the name of the queue.
    ToTheQueue,
    /// To the exchange, under its own routing key.
    ToTheExchange,
    /// By the name of the queue, with nothing but the body.
    BodyOnly,
}

/// Hands messages about, as a person with the broker's own tools does.
struct Hand {
    channel: Channel,
    _connection: lapin::Connection,
}

impl Hand {
    async fn of(stage: &Stage) -> Self {
        let (_connection, channel) = stage.broker.channel().await;
        Self { channel, _connection }
    }

    async fn take(&self, queue: &str) -> BasicGetMessage {
        let mut taken = None;
        let come = async || {
            let options = BasicGetOptions::default();
            taken = self
                .channel
                .basic_get(queue.into(), options)
                .await
                .expect("the queue is there");
            taken.is_some()
        };
        eventually(come).await.expect("a message comes");
        taken.expect("it came")
    }

    /// Moves the next message of the dead-letter queue.
    async fn carry(&self, how: Move) {
        let message = self.take(DEAD).await;
        let delivery = &message.delivery;
        // A mark of the worker that tried it last must not shorten its new life.
        let mut headers = delivery.properties.headers().clone().unwrap_or_default();
        headers.insert("x-attempts".into(), AMQPValue::LongString("99".into()));
        let kept = delivery.properties.clone().with_headers(headers);
        let (exchange, key, properties) = match how {
            Move::ToTheQueue => ("", NOTICES.into(), kept),
            Move::ToTheExchange => (NOTICES, delivery.routing_key.clone(), kept),
            Move::BodyOnly => ("", NOTICES.into(), BasicProperties::default()),
        };
        let options = BasicPublishOptions::default();
        let sent = self
            .channel
            .basic_publish(exchange.into(), key, options, &delivery.data, properties)
            .await;
        sent.expect("it is published");
        message
            .delivery
            .acker
            .ack(Default::default())
            .await
            .expect("it is acknowledged");
    }

    /// Takes the only message of the queue and hands it back until the broker has had enough.
    async fn exhaust(&self) {
        let options = BasicNackOptions {
            requeue: true,
            ..BasicNackOptions::default()
        };
        self.take(NOTICES)
            .await
            .delivery
            .acker
            .nack(options)
            .await
            .expect("handed back");
        while let Some(message) = self
            .channel
            .basic_get(NOTICES.into(), BasicGetOptions::default())
            .await
            .expect("the queue is there")
        {
            message.delivery.acker.nack(options).await.expect("handed back");
        }
    }

    /// Refuses the next message for good.
    async fn refuse(&self) {
        let options = BasicRejectOptions { requeue: false };
        let message = self.take(NOTICES).await;
        message.delivery.acker.reject(options).await.expect("refused");
    }
}

/// Dead letters as workers publish them.
struct Grave(NoticePublisher);

impl Grave {
    fn of(stage: &Stage) -> Self {
        let environment = Environment::from_pairs([("XIEBAO__AMQP__URL", stage.broker.url())]);
        let config = Config::load(None, &environment, Needs::NOTHING).expect("a configuration");
        let amqp = config.require_amqp().expect("an address");
        let timeout = Duration::from_secs(10);
        Self(NoticePublisher::start(amqp, "test", 1, timeout).expect("an address that can be used"))
    }

    async fn bury(&self, body: &[u8], reason: Reason) {
        let envelope = envelope(body);
        self.0
            .publish_dead(&envelope, reason, "of an earlier life", &Attempts::default())
            .await
            .expect("it is buried");
    }
}

fn envelope(body: &[u8]) -> Envelope {
    let received = |name: &str| (name == header::RECEIVED_AT).then_some("2026-07-23T01:15:02.000123Z");
    Envelope::from_message(Bytes::copy_from_slice(body), received, clock::now()).expect("a notice")
}

fn body(number: &str, notify_type: i64, stated: serde_json::Value) -> Vec<u8> {
    notice(notify_type, &data(PARTNER, number, stated), KEY)
}

const APPLIED: &str = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied'";

#[tokio::test(flavor = "multi_thread")]
async fn messages_moved_by_hand_are_applied_like_any_other_when_workers_are_back() {
    let mut stage = Stage::new().await;
    let (hand, grave) = (Hand::of(&stage).await, Grave::of(&stage));
    let numbers = [
        "20260811000001",
        "20260811000002",
        "20260811000003",
        "20260811000004",
    ];
    // One that the broker itself has given up.
    stage.send_raw(body(numbers[3], 2, paid(4))).await;
    hand.exhaust().await;
    hand.carry(Move::ToTheQueue).await;
    let moves = [Move::ToTheQueue, Move::ToTheExchange, Move::BodyOnly];
    let reasons = [Reason::ApplyFailed, Reason::TimedOut, Reason::PartnerMismatch];
    for (i, (how, reason)) in moves.into_iter().zip(reasons).enumerate() {
        grave.bury(&body(numbers[i], 2, paid(i as i64 + 1)), reason).await;
        hand.carry(how).await;
    }
    for number in numbers {
        stage.send_raw(body(number, 1, json!({ "state": true }))).await;
    }
    stage.worker(&[]).await;
    stage.until(APPLIED, 8).await;
    // Messages that kept their headers kept their time of receipt.
    let received =
        "SELECT COUNT(*) FROM notices WHERE notify_type = 2 AND received_at = '2026-07-23 01:15:02.000123'";
    assert_eq!(stage.number(received).await, 2);
    for (i, number) in numbers.iter().enumerate() {
        stage.send_raw(body(number, 2, paid(i as i64 + 1))).await;
    }
    stage
        .until("SELECT CAST(SUM(deliveries) AS SIGNED) FROM notices", 12)
        .await;
    assert_eq!(stage.number(APPLIED).await, 8);
    assert_eq!(stage.number("SELECT COUNT(*) FROM payments").await, 4);
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_message_that_is_no_better_than_it_was_is_filed_under_its_new_reason() {
    let mut stage = Stage::new().await;
    let (hand, grave) = (Hand::of(&stage).await, Grave::of(&stage));
    grave
        .bury(&body("20260811000012", 1, json!({})), Reason::TimedOut)
        .await;
    hand.carry(Move::ToTheExchange).await;
    stage.worker(&[]).await;
    let filed = "SELECT COUNT(*) FROM dead_letters WHERE reason = 'incomplete' AND attempts = 1 \
                 AND detail NOT LIKE '%earlier life%'";
    stage.until(filed, 1).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_message_that_the_broker_gives_up_is_filed_under_the_brokers_last_reason() {
    let mut stage = Stage::new().await;
    let (hand, grave) = (Hand::of(&stage).await, Grave::of(&stage));
    let letter = "SELECT CONCAT(reason, ': ', detail) AS value FROM dead_letters";
    grave
        .bury(
            &body("20260811000011", 1, json!({ "state": true })),
            Reason::PartnerMismatch,
        )
        .await;
    hand.carry(Move::ToTheQueue).await;
    hand.exhaust().await;
    stage.worker(&[]).await;
    stage.until("SELECT COUNT(*) FROM dead_letters", 1).await;
    assert_eq!(
        stage.texts(letter).await,
        ["delivery_limit: handed out too often without being acknowledged"]
    );
    stage.stop_workers().await;
    // Another, which is moved once more after that, and then refused.
    stage.execute("DELETE FROM dead_letters").await;
    stage
        .send_raw(body("20260811000013", 1, json!({ "state": true })))
        .await;
    hand.exhaust().await;
    hand.carry(Move::ToTheQueue).await;
    hand.refuse().await;
    stage.worker(&[]).await;
    stage.until("SELECT COUNT(*) FROM dead_letters", 1).await;
    assert_eq!(
        stage.texts(letter).await,
        ["apply_failed: dead-lettered by the broker: rejected"]
    );
}
