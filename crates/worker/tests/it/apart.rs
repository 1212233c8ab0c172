//! Many workers on one queue: the database keeps them apart.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;

use crate::stage::{Stage, issued, paid};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_under_load_neither_loses_nor_doubles_a_notice() {
    let mut stage = Stage::new().await;
    let proposals: Vec<String> = (0..300).map(|i| format!("20260805{i:06}")).collect();
    join_all(proposals.iter().map(async |num| {
        stage.send(3, num, issued(&format!("P-{num}"), "李四,王五")).await;
        stage.send(2, num, paid(100)).await;
        stage.send(1, num, json!({ "state": true })).await;
        stage.send(2, num, paid(100)).await;
    }))
    .await;
    let small = [("XIEBAO__WORKER__BATCH_SIZE", "10")];
    for killed_at in [100, 400] {
        stage.worker_process(&small).await;
        let at_least = format!("SELECT COUNT(*) >= {killed_at} FROM notices");
        stage.until(&at_least, 1).await;
        stage.processes[0].kill();
        stage.processes.clear();
    }
    stage.worker(&small).await;
    stage.worker(&small).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 900)
        .await;
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM proposals WHERE status = 'issued'")
            .await,
        300
    );
    assert_eq!(stage.number("SELECT COUNT(*) FROM payments").await, 300);
    assert_eq!(stage.number("SELECT COUNT(*) FROM insured_persons").await, 600);
    stage.until("SELECT SUM(deliveries) FROM notices", 1200).await;
    assert_gapless(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_notices_of_one_proposal_may_be_processed_at_once() {
    let mut stage = Stage::new().await;
    for _ in 0..3 {
        stage
            .worker(&[
                ("XIEBAO__WORKER__BATCH_SIZE", "3"),
                ("XIEBAO__WORKER__PREFETCH", "6"),
            ])
            .await;
    }
    let num = "20260805100000";
    let stage = &stage;
    join_all((0..200).map(async |i| {
        let verdict = stage
            .send(27, num, json!({ "failMsg": format!("第{i}次") }))
            .await;
        assert_eq!(verdict, "accepted");
    }))
    .await;
    stage.until("SELECT COUNT(*) FROM abnormalities", 200).await;
    assert_gapless(stage).await;
    let running = stage.workers.iter().filter(|worker| !worker.has_ended()).count();
    assert_eq!(running, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_partner_changes_nothing() {
    let keys = "\"1\" = [\"key-of-one\"]\n\"2\" = [\"key-of-two\"]\n";
    let mut stage = Stage::with_keys(keys).await;
    stage.worker(&[]).await;
    let num = "20260805200000";
    let send = async |partner: i64, key: &str, notify_type, stated| {
        let data = crate::stage::data(partner, num, stated);
        stage
            .send_raw(xiebao_testkit::notice(notify_type, &data, key))
            .await
    };
    send(1, "key-of-one", 1, json!({ "state": true })).await;
    stage
        .until(
            "SELECT COUNT(*) FROM proposals WHERE status = 'insured' AND partner_id = 1",
            1,
        )
        .await;
    send(2, "key-of-two", 4, json!({ "state": true })).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'partner_mismatch'",
            1,
        )
        .await;
    assert_eq!(
        stage
            .texts("SELECT CONCAT(status, partner_id) AS value FROM proposals")
            .await,
        ["insured1"]
    );
    assert_eq!(stage.number("SELECT COUNT(*) FROM cancellations").await, 0);
}

/// `seq` is 1, 2, 3… in every proposal.
async fn assert_gapless(stage: &Stage) {
    let found = stage
        .texts("SELECT CONCAT(insure_num, ':', seq) AS value FROM notices WHERE outcome = 'applied'")
        .await;
    let mut by_proposal: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for text in &found {
        let (num, seq) = text.split_once(':').expect("number and seq");
        by_proposal
            .entry(num)
            .or_default()
            .push(seq.parse().expect("a number"));
    }
    for (num, mut seqs) in by_proposal {
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "{num}");
    }
}
