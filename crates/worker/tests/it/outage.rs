use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use xiebao_testkit::Proxy;

use crate::stage::{Stage, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn in_an_outage_of_the_database_the_worker_waits_and_makes_no_dead_letter() {
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
    let not_ready = (503, "not ready: waiting for the database\n".to_owned());
    let worker = &stage.workers[0];
    eventually(async || worker.readiness().await.as_ref() == Some(&not_ready))
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

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_to_the_database_is_enough() {
    let mut stage = Stage::new().await;
    stage
        .execute(
            "INSERT INTO reissue_outbox (insure_num, new_insure_num, partner_id) VALUES ('1', '2', 1048483)",
        )
        .await;
    stage
        .worker(&[
            ("XIEBAO__DATABASE__POOL_SIZE", "1"),
            ("XIEBAO__SEQUENCING__E_POLICY__MAX_WAIT", "1s"),
        ])
        .await;
    stage.until("SELECT COUNT(*) FROM reissue_outbox", 0).await;
    stage.send(9, "20260804000002", json!({ "state": true })).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_needs_no_right_to_change_the_schema_and_names_the_command_if_it_is_missing() {
    let mut stage = Stage::new().await;
    stage
        .execute("RENAME TABLE __diesel_schema_migrations TO away")
        .await;
    let admin = xiebao_testkit::free_address();
    let mut worker = stage.unready_process(&[], admin);
    eventually(async || worker.log().contains("xiebao migrate"))
        .await
        .expect("it says what to do");
    stage
        .execute("RENAME TABLE away TO __diesel_schema_migrations")
        .await;
    worker.ready(admin, std::time::Duration::from_secs(20)).await;
    stage.processes.push(worker);
    stage.send(1, "20260804000003", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_is_noticed_and_its_connections_are_replaced() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &through)]);
    worker.ready().await;
    // As after a failover that moves the address: old connections are silently dead.
    proxy.strand();
    let unready = async || worker.readiness().await.is_some_and(|(status, _)| status == 503);
    eventually(unready).await.expect("it is not ready");
    worker.ready().await;
    stage.workers.push(worker);
    stage.send(1, "20260804000004", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_connection_is_silently_lost_does_not_keep_its_locks() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let mut lost = xiebao_store::connect(through)
        .await
        .expect("the database is there");
    let lock = "BEGIN; INSERT INTO proposal_locks (insure_num) VALUES ('20260804000005')";
    lost.batch_execute(lock).await.expect("the lock is free");
    proxy.strand();
    drop(lost);
    stage.worker(&[]).await;
    stage.send(1, "20260804000005", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_and_goes_makes_no_dead_letter() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    stage.worker(&[("XIEBAO__DATABASE__URL", &through)]).await;
    for i in 0..200_u64 {
        match i % 5 {
            0 => proxy.cut(),
            3 => proxy.resume(),
            _ => {}
        }
        stage
            .send(1, &format!("202608041500{i:03}"), json!({ "state": true }))
            .await;
        tokio::time::sleep(std::time::Duration::from_millis(5 + i * 7 % 50)).await;
    }
    proxy.resume();
    stage.until("SELECT COUNT(*) FROM proposals", 200).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}
