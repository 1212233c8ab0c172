//! Trouble with the broker, as a worker meets it.

use std::time::{Duration, Instant};

use serde_json::json;
use xiebao_amqp::topology::{DEAD, NOTICES};
use xiebao_testkit::Proxy;

use crate::stage::{Stage, eventually};

/// How long a pod has between SIGTERM and SIGKILL.
const KUBERNETES_WAITS: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_declares_a_deleted_queue_again() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    for queue in [NOTICES, DEAD] {
        stage.broker.delete_queue(queue).await;
        eventually(async || stage.broker.has_consumer(queue).await)
            .await
            .unwrap_or_else(|()| panic!("nobody consumes from {queue}"));
    }
    assert_eq!(
        stage.send(1, "20260806000001", json!({ "state": true })).await,
        "accepted"
    );
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silently_dead_connection_is_replaced_within_its_heartbeats() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.broker.address()).await;
    let through = format!("{}?heartbeat=2", proxy.instead_of(&stage.broker.url()));
    stage.worker(&[("XIEBAO__AMQP__URL", &through)]).await;
    stage.send(1, "20260806100001", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    proxy.strand();
    let stranded = Instant::now();
    stage.send(1, "20260806100002", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 2).await;
    // Two heartbeats, the broker's own notice of the dead connection, and a new session.
    assert!(
        stranded.elapsed() < Duration::from_secs(30),
        "{:?}",
        stranded.elapsed()
    );
    assert_eq!(stage.number("SELECT MAX(deliveries) FROM notices").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_ends_in_time_and_loses_nothing_when_neither_database_nor_broker_answers() {
    let mut stage = Stage::new().await;
    let database = Proxy::start(stage.database.address()).await;
    let broker = Proxy::start(stage.broker.address()).await;
    let settings = [
        (
            "XIEBAO__DATABASE__URL",
            database.instead_of(&stage.database.url()),
        ),
        ("XIEBAO__AMQP__URL", broker.instead_of(&stage.broker.url())),
    ];
    stage
        .worker_process(&settings.each_ref().map(|(key, value)| (*key, value.as_str())))
        .await;
    stage.send(1, "20260806200001", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    database.stall();
    for i in 0..20 {
        stage
            .send(1, &format!("202608062001{i:02}"), json!({ "state": true }))
            .await;
    }
    eventually(async || stage.broker.depth(NOTICES).await == (0, 1))
        .await
        .expect("the worker takes them");
    broker.stall();
    let mut worker = stage.processes.pop().expect("one worker");
    let signalled = Instant::now();
    worker.terminate();
    let status = worker.ended(KUBERNETES_WAITS).await;
    assert_eq!(status.code(), Some(0), "{}", worker.log());
    println!("ended after {:?}", signalled.elapsed());

    database.resume();
    broker.resume();
    stage.worker(&[]).await;
    stage.until("SELECT COUNT(*) FROM proposals", 21).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}
