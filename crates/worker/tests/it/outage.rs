use serde_json::json;
use xiebao_testkit::Proxy;

use crate::stage::{Stage, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_the_worker_waits_and_nothing_dies() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    stage.worker(&[("XIEBAO__DATABASE__URL", &through)]).await;
    stage.send(1, "20260804000001", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    proxy.cut();
    for i in 0..50 {
        stage
            .send(1, &format!("202608041000{i:02}"), json!({ "state": true }))
            .await;
    }
    let worker = &stage.workers[0];
    eventually(async || worker.log().contains("waiting for the database"))
        .await
        .expect("the outage is noticed");
    assert_eq!(stage.number("SELECT COUNT(*) FROM proposals").await, 1);
    proxy.resume();
    stage.until("SELECT COUNT(*) FROM proposals", 51).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    assert_eq!(stage.number("SELECT MAX(deliveries) FROM notices").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_comes_back_when_the_broker_drops_its_connections() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    for round in 0..3 {
        stage.broker.close_connections().await;
        for i in 0..20 {
            let verdict = stage
                .send(1, &format!("20260804{round}000{i:02}"), json!({ "state": true }))
                .await;
            assert_eq!(verdict, "accepted");
        }
    }
    stage.until("SELECT COUNT(*) FROM proposals", 60).await;
}
