//! The safeties of acknowledged notices. Each test fails if its safety is removed (`scripts/sabotage`).

use std::collections::BTreeMap;

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::json;
use xiebao_amqp::topology::NOTICES;
use xiebao_core::id::InsureNum;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;
use xiebao_store::StoreError;
use xiebao_store::sql::locks;
use xiebao_store::transaction::{self, Plan, Task};

use crate::stage::{Stage, eventually};

const WAITING_FOR_THE_LOCK: &str = "SELECT COUNT(*) FROM information_schema.processlist \
    WHERE db = DATABASE() AND info LIKE 'INSERT INTO `proposal_locks`%'";

fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("short").expect("not blank")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_its_commit_has_acknowledged_nothing() {
    let mut stage = Stage::new().await;
    let num = "20260811000001";
    stage.worker_process(&[]).await;
    let mut elsewhere = stage.connect().await;
    elsewhere.batch_execute("BEGIN").await.expect("a transaction");
    locks::acquire(&mut elsewhere, &[&number(num)])
        .await
        .expect("the lock is free");
    assert_eq!(stage.send(1, num, json!({ "state": true })).await, "accepted");
    eventually(async || stage.number(WAITING_FOR_THE_LOCK).await == 1)
        .await
        .expect("the worker comes to the lock");
    stage.processes[0].kill();
    elsewhere
        .batch_execute("ROLLBACK")
        .await
        .expect("the lock is let go");
    assert_eq!(stage.number("SELECT COUNT(*) FROM notices").await, 0);
    let messages = stage.broker.drain_at_least(NOTICES, 1).await;
    assert_eq!(messages.len(), 1, "the notice is on the queue as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_share_proposals_never_deadlock() {
    const ROUNDS: usize = 100;
    let stage = Stage::new().await;
    let proposals: Vec<InsureNum> = (0..40).map(|i| number(&format!("20260811{i:06}"))).collect();
    let tasks: BTreeMap<InsureNum, Task> = proposals
        .iter()
        .map(|num| (num.clone(), Task::default()))
        .collect();
    let plan = Plan {
        tasks,
        ..Plan::default()
    };
    let rules = Rules::default();
    // The rows are there from the start, so that only their order can be at fault.
    let mut first = stage.connect().await;
    transaction::run(&mut first, &plan, clock::now, &rules)
        .await
        .expect("the locks are made");
    let batches = (0..3).map(async |_| {
        let mut conn = stage.connect().await;
        for _ in 0..ROUNDS {
            match transaction::run(&mut conn, &plan, clock::now, &rules).await {
                Ok(_) => {}
                Err(StoreError::Conflict(conflict)) => panic!("{conflict}"),
                Err(error) => panic!("{error}"),
            }
        }
    });
    join_all(batches).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_handed_out_again_is_applied_once() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let num = "20260811000003";
    for _ in 0..3 {
        stage.send(27, num, json!({ "failMsg": "核保异常" })).await;
    }
    let settled = "SELECT COALESCE(SUM(deliveries), 0) FROM notices";
    stage.until(settled, 3).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM notices").await, 1);
    assert_eq!(stage.number("SELECT COUNT(*) FROM abnormalities").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_somebody_keeps_locked_holds_up_no_other() {
    let mut stage = Stage::new().await;
    let mut elsewhere = stage.connect().await;
    elsewhere
        .batch_execute("SET SESSION wait_timeout = 600; BEGIN")
        .await
        .expect("a transaction");
    locks::acquire(&mut elsewhere, &[&number("20260811500000")])
        .await
        .expect("the lock is free");
    for i in 0..6 {
        let num = format!("2026081150000{i}");
        assert_eq!(stage.send(1, &num, json!({ "state": true })).await, "accepted");
    }
    stage
        .worker(&[
            ("XIEBAO__WORKER__LANES", "1"),
            ("XIEBAO__WORKER__BATCH_WAIT_MS", "500"),
        ])
        .await;
    // Waiting for the lock takes ten seconds each time, and then the batch is halved.
    eventually(async || stage.number("SELECT COUNT(*) FROM proposals").await == 5)
        .await
        .expect("the others are applied while one is locked");
    elsewhere
        .batch_execute("ROLLBACK")
        .await
        .expect("the lock is let go");
    stage.until("SELECT COUNT(*) FROM proposals", 6).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}
