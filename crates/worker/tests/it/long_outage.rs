//! Outages of the database that outlast `worker.hand_back_after_ms`.

use lapin::message::Delivery;
use lapin::options::BasicGetOptions;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;
use xiebao_amqp::topology::{DEAD, NOTICES};
use xiebao_core::envelope::header;
use xiebao_testkit::{PARTNER, Proxy, notice};

use crate::stage::{Stage, eventually};

const SOON: (&str, &str) = ("XIEBAO__WORKER__HAND_BACK_AFTER_MS", "1000");

/// Gets every message of a queue, and returns them to it by closing the channel.
async fn look(stage: &Stage, queue: &str) -> Vec<Delivery> {
    let (connection, channel) = stage.broker.channel().await;
    let mut found = Vec::new();
    let options = BasicGetOptions::default();
    while let Some(got) = channel
        .basic_get(queue.into(), options)
        .await
        .expect("the queue is there")
    {
        found.push(got.delivery);
    }
    let closed = connection.close(200, "done".into()).await;
    closed.expect("the broker takes them back");
    found
}

fn headers(delivery: &Delivery) -> FieldTable {
    delivery.properties.headers().clone().expect("it has headers")
}

fn assert_uncounted(delivery: &Delivery) {
    let headers = headers(delivery);
    let headers = headers.inner();
    let count = headers.get("x-delivery-count");
    assert!(
        count.is_none_or(|count| *count == AMQPValue::LongLongInt(0)),
        "{headers:?}"
    );
    assert!(!delivery.redelivered, "the broker knows of no return");
    for name in [header::HANDED_BACK, header::RECEIVED_AT] {
        assert!(headers.contains_key(name), "{name}: {headers:?}");
    }
    assert!(delivery.properties.message_id().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_long_outage_deliveries_go_back_uncounted_and_another_worker_takes_them() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let cut_off = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &through), SOON]);
    cut_off.ready().await;
    stage.send(1, "20260805000001", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    proxy.cut();
    for i in 0..50 {
        stage
            .send(1, &format!("202608051000{i:02}"), json!({ "state": true }))
            .await;
    }
    let mut depth = (0, 0);
    let handed_back = async || {
        depth = stage.broker.depth(NOTICES).await;
        depth == (50, 0)
    };
    if eventually(handed_back).await.is_err() {
        panic!("not handed back, {depth:?}");
    }
    let readiness = cut_off.readiness().await.expect("it answers");
    assert_eq!(
        readiness,
        (503, "not ready: waiting for the database\n".to_owned())
    );
    let back = look(&stage, NOTICES).await;
    assert_eq!(back.len(), 50);
    back.iter().for_each(assert_uncounted);

    stage.worker(&[]).await;
    stage.until("SELECT COUNT(*) FROM proposals", 51).await;
    assert_eq!(stage.number("SELECT MAX(deliveries) FROM notices").await, 1);
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);

    proxy.resume();
    eventually(async || stage.broker.depth(NOTICES).await == (0, 2))
        .await
        .expect("it goes on");
    cut_off.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_rejects_writes_is_waited_for_like_one_that_is_down() {
    let mut stage = Stage::new().await;
    stage.execute("RENAME TABLE proposals TO away").await;
    stage.worker(&[SOON]).await;
    stage.send(1, "20260805200001", json!({ "state": true })).await;
    eventually(async || stage.broker.depth(NOTICES).await == (1, 0))
        .await
        .expect("it is handed back");
    stage.execute("RENAME TABLE away TO proposals").await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    assert_eq!(stage.number("SELECT MAX(deliveries) FROM notices").await, 1);
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_back_in_a_long_outage_too_and_keep_their_reason() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    stage.worker(&[("XIEBAO__DATABASE__URL", &through), SOON]).await;
    proxy.cut();
    for i in 0..5 {
        let body = notice(
            1,
            &json!({ "partnerId": PARTNER, "state": true, "caseCode": i }),
            xiebao_testkit::KEY,
        );
        assert_eq!(stage.send_raw(body).await, "dead_lettered");
    }
    eventually(async || stage.broker.depth(DEAD).await == (5, 0))
        .await
        .expect("it is handed back");
    let back = look(&stage, DEAD).await;
    assert_eq!(back.len(), 5);
    back.iter().for_each(assert_uncounted);
    proxy.resume();
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'incomplete' AND attempts = 1",
            5,
        )
        .await;
}
