//! Messages that no program of this product publishes, in every queue.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, DecimalValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Channel};
use serde_json::json;
use xiebao_amqp::topology::{DEAD, NOTICES, REFUSED, RETRY};
use xiebao_testkit::{KEY, PARTNER, notice};

use crate::stage::{Stage, data, eventually};

/// The body of an odd message; the number makes it unique.
enum Body {
    /// A notice that applies, whatever the headers say.
    Good,
    /// A notice that cannot be applied.
    Incomplete,
    Raw(fn(&str) -> Vec<u8>),
}

struct Odd {
    properties: BasicProperties,
    body: Body,
    /// This release cannot read it as a notice.
    unreadable: bool,
}

impl Odd {
    /// RabbitMQ 3.10 stops all dead-lettering when it meets such a header itself.
    fn breaks_dead_lettering(&self) -> bool {
        let headers = self.properties.headers().as_ref();
        headers.is_some_and(|table| table.contains_key("x-death"))
    }
}

fn text(value: impl Into<String>) -> AMQPValue {
    AMQPValue::LongString(value.into().into())
}

fn table(fields: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in fields {
        table.insert(name.into(), value);
    }
    table
}

fn with(fields: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> BasicProperties {
    BasicProperties::default().with_headers(table(fields))
}

fn nested(depth: usize) -> AMQPValue {
    (0..depth).fold(AMQPValue::Boolean(true), |inner, _| {
        AMQPValue::FieldTable(table([("in", inner)]))
    })
}

fn array(values: impl IntoIterator<Item = AMQPValue>) -> AMQPValue {
    let mut array = FieldArray::default();
    values.into_iter().for_each(|value| array.push(value));
    AMQPValue::FieldArray(array)
}

/// Properties that say something wrong, or too much, about a good notice.
fn properties(user: &str) -> Vec<BasicProperties> {
    let plain = BasicProperties::default;
    let decimal = DecimalValue { scale: 200, value: 7 };
    let death = |reason| AMQPValue::FieldTable(table([("reason", reason), ("count", text("many"))]));
    vec![
        plain(),
        with([]),
        with([("x-insure-num", AMQPValue::LongInt(7))]),
        with([("x-insure-num", text("another proposal"))]),
        with([("x-received-at", AMQPValue::Timestamp(u64::MAX))]),
        with([("x-received-at", text("yesterday"))]),
        with([("x-received-at", text("0001-01-01T00:00:00Z"))]),
        with([("x-received-at", text("9999-12-31T23:59:59.999999Z"))]),
        with([
            ("x-attempts", nested(2)),
            ("x-attempt-log", AMQPValue::Boolean(true)),
        ]),
        with([("x-attempts", text("-1")), ("x-attempt-log", text("[[[[[[["))]),
        with([("x-attempts", AMQPValue::Double(1.5))]),
        with([("deep", nested(50))]),
        with([("huge", text("h".repeat(20 * 1024)))]),
        with([("huge", text("h".repeat(100 * 1024)))]),
        with([("traceparent", text("t".repeat(20 * 1024)))]),
        with([("traceparent", AMQPValue::Void)]),
        with([("x-death", array([AMQPValue::LongInt(1), nested(3)]))]),
        with([("x-death", array([]))]),
        with([("x-death", text("often"))]),
        with([("x-death", array([death(AMQPValue::LongInt(3))]))]),
        with([("x-dead-reason", text("boredom")), ("x-dead-detail", nested(1))]),
        with([("x-dead-detail", text("d".repeat(20 * 1024)))]),
        with([
            ("x-dead-reason", text("too_long")),
            ("x-dead-detail", text("d".repeat(5_000))),
        ]),
        with([("x-signature-form", text("none")), ("x-notify-type", text("999"))]),
        with([
            ("x-partner-id", text("7")),
            ("x-handed-back", AMQPValue::LongInt(9)),
        ]),
        with([("x-envelope-version", AMQPValue::LongInt(1))]),
        with([
            ("void", AMQPValue::Void),
            ("decimal", AMQPValue::DecimalValue(decimal)),
        ]),
        with([("bytes", AMQPValue::ByteArray(vec![0, 255, 0].into()))]),
        with([("x-delivery-count", text("none"))]),
        plain().with_message_id("m".repeat(255).into()),
        plain().with_timestamp(u64::MAX),
        plain().with_priority(255).with_delivery_mode(1),
        plain().with_expiration("600000".into()),
        plain().with_reply_to("amq.rabbitmq.reply-to.x".into()),
        plain()
            .with_user_id(user.into())
            .with_app_id("another program".into()),
        plain()
            .with_content_encoding("gzip".into())
            .with_content_type("image/png".into()),
        plain()
            .with_correlation_id("\u{1b}[2J".into())
            .with_type("?".into()),
    ]
}

fn odd_messages(user: &str) -> Vec<Odd> {
    let mut all: Vec<Odd> = properties(user)
        .into_iter()
        .map(|properties| Odd {
            properties,
            body: Body::Good,
            unreadable: false,
        })
        .collect();
    let version = with([("x-envelope-version", text("2"))]);
    all.push(Odd {
        properties: version,
        body: Body::Good,
        unreadable: true,
    });
    // RabbitMQ 3.10 must not meet this header when it dead-letters.
    all.push(Odd {
        properties: with([("x-death", text("often"))]),
        body: Body::Raw(|number| format!("deaths of {number}").into()),
        unreadable: true,
    });
    // Too much for the frame of a dead letter.
    for properties in [
        BasicProperties::default(),
        with([("traceparent", text("t".repeat(40 * 1024)))]),
    ] {
        all.push(Odd {
            properties,
            body: Body::Incomplete,
            unreadable: false,
        });
    }
    let bodies: [fn(&str) -> Vec<u8>; 10] = [
        |_| vec![],
        |number| [b"\xff\xfe", number.as_bytes()].concat(),
        |number| [number.as_bytes(), &vec![b'z'; 1024 * 1024]].concat(),
        |number| [number.as_bytes(), &vec![b'['; 200_000]].concat(),
        |number| {
            format!(
                "{{\"notifyType\":1,\"sign\":\"{number}\",\"data\":{}",
                "{\"a\":".repeat(100_000)
            )
            .into()
        },
        |number| format!("\"{number}\"").into(),
        |number| format!("{{\"notifyType\":1e999,\"sign\":\"{number}\",\"data\":{{}}}}").into(),
        |number| format!("\u{feff}{{\"notifyType\":1,\"sign\":\"{number}\"}}").into(),
        |number| [number.as_bytes(), &[0; 300]].concat(),
        |number| [&[0x1f, 0x8b, 8, 0], number.as_bytes()].concat(),
    ];
    all.extend(bodies.map(|body| Odd {
        properties: BasicProperties::default(),
        body: Body::Raw(body),
        unreadable: true,
    }));
    all
}

async fn publish(channel: &Channel, queue: &str, odd: &Odd, body: &[u8]) {
    let (options, properties) = (BasicPublishOptions::default(), odd.properties.clone());
    let publish = channel.basic_publish("".into(), queue.into(), options, body, properties);
    let confirm = publish.await.expect("it can be sent").await;
    let confirm = confirm.unwrap_or_else(|error| panic!("{:?}: {error}", odd.properties));
    assert!(confirm.is_ack());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_stops_what_lies_beside_it_and_every_one_ends_where_it_can_be_seen() {
    let mut stage = Stage::new().await;
    let (_connection, channel) = stage.broker.channel().await;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .expect("confirms");
    let url = stage.broker.url();
    let user = url
        .split(['/', ':'])
        .find(|part| !part.is_empty() && *part != "amqp");
    let user = user.expect("an address with a user");
    let queues = [NOTICES, DEAD, REFUSED, RETRY[0].1, RETRY[1].1, RETRY[2].1];
    let (mut applied, mut dead) = (0, BTreeSet::new());
    for (place, queue) in queues.into_iter().enumerate() {
        for (nth, odd) in odd_messages(user).iter().enumerate() {
            if queue.starts_with("xiebao.retry") && odd.breaks_dead_lettering() {
                continue;
            }
            let number = format!("2026{place:04}{nth:06}");
            let stated = |state| data(PARTNER, &number, state);
            let body = match &odd.body {
                Body::Good => notice(1, &stated(json!({ "state": true })), KEY),
                Body::Incomplete => notice(2, &stated(json!({ "state": true })), KEY),
                Body::Raw(make) => make(&number),
            };
            publish(&channel, queue, odd, &body).await;
            let applies = matches!(odd.body, Body::Good) && !odd.unreadable;
            match queue {
                REFUSED => {}
                DEAD => _ = dead.insert(body),
                _ if applies => applied += 1,
                _ => _ = dead.insert(body),
            }
        }
    }
    stage.worker_process(&[]).await;
    let begun = Instant::now();
    for i in 0..10 {
        let verdict = stage
            .send(1, &format!("20269999{i:06}"), json!({ "state": true }))
            .await;
        assert_eq!(verdict, "accepted");
    }
    stage
        .until(
            "SELECT COUNT(*) FROM proposals WHERE insure_num LIKE '20269999%'",
            10,
        )
        .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    stage.until("SELECT COUNT(*) FROM notices", applied + 10).await;
    let letters = i64::try_from(dead.len()).expect("a few");
    stage.until("SELECT COUNT(*) FROM dead_letters", letters).await;
    for queue in queues {
        eventually(async || stage.broker.length(queue).await == 0)
            .await
            .unwrap_or_else(|()| panic!("something is left in {queue}"));
    }
    assert!(stage.processes[0].has_ended().is_none());
    let log = stage.processes[0].log();
    assert!(!log.contains("a panic"), "{log}");
}
