//! Notices that are larger than a server takes, and backlogs that are larger than memory.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use xiebao_amqp::topology::NOTICES;
use xiebao_testkit::{KEY, PARTNER, PrivateBroker, notice};

use crate::stage::{Stage, data, eventually, issued, large, paid};

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_larger_than_a_packet_of_the_database_fails_alone_and_names_the_setting() {
    let private = PrivateBroker::start().await;
    let mut stage = Stage::of(&private).await;
    stage.execute("SET GLOBAL max_allowed_packet = 1048576").await;
    for i in 0..98 {
        if i == 30 {
            assert_eq!(stage.send_large("20260820100000", MIB).await, "accepted");
        }
        stage
            .send(1, &format!("202608200000{i:02}"), json!({ "state": true }))
            .await;
    }
    let begun = Instant::now();
    stage.worker(&[]).await;
    stage.until("SELECT COUNT(*) FROM proposals", 98).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let dead = "SELECT COUNT(*) FROM dead_letters WHERE insure_num = '20260820100000' \
                AND reason = 'apply_failed' AND detail LIKE '%max_allowed_packet%is 1048576%'";
    stage.until(dead, 1).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letter_attempts").await, 4);
    // Later notices are applied too.
    stage.send(1, "20260820000099", json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 99).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_of_the_broker_is_refused_alone() {
    let private = PrivateBroker::start().await;
    private.limit_messages(65_536).await;
    let mut stage = Stage::of(&private).await;
    // From a time before the limit; no dead letter of its size can be published.
    private.limit_messages(MIB).await;
    let stated = json!({ "state": true, "otherInfo": "x".repeat(100_000) });
    let incomplete = notice(2, &data(PARTNER, "20260820300000", stated), KEY);
    stage.broker.publish(NOTICES, &incomplete).await;
    private.limit_messages(65_536).await;
    let stage_ref = &stage;
    let small = (0..60).map(async |i| {
        let begun = Instant::now();
        let num = format!("2026082020{i:04}");
        let verdict = match i % 20 {
            7 => stage_ref.send_large(&num, 100_000).await,
            _ => stage_ref.send(2, &num, paid(100)).await,
        };
        (i % 20 == 7, verdict, begun.elapsed())
    });
    for (is_large, verdict, took) in join_all(small).await {
        assert_eq!(verdict, if is_large { "unavailable" } else { "accepted" });
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
    stage.worker(&[]).await;
    let dead = "SELECT COUNT(*) FROM dead_letters WHERE insure_num = '20260820300000'";
    stage.until(dead, 1).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 57)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_any_size_fits_into_the_memory_of_a_small_worker() {
    let mut stage = Stage::new().await;
    let (small, policies, bodies) = (2_500, 200, 150);
    let names: Vec<String> = (0..3_000).map(|i| format!("被保险人{i:05}")).collect();
    let names = names.join(",");
    let (stage_ref, names) = (&stage, &*names);
    let mut sent = Vec::new();
    // Small ones come first, so that the worker expects more of them.
    for batch in 0..small / 50 {
        sent.extend(
            join_all((0..50).map(async |i| {
                let num = format!("20260820{:06}", batch * 50 + i);
                stage_ref.send(1, &num, json!({ "state": true })).await
            }))
            .await,
        );
    }
    for batch in 0..policies / 10 {
        sent.extend(
            join_all((0..10).map(async |i| {
                let num = format!("20260821{:06}", batch * 10 + i);
                stage_ref.send(3, &num, issued(&format!("P-{num}"), names)).await
            }))
            .await,
        );
    }
    for batch in 0..bodies / 10 {
        sent.extend(
            join_all((0..10).map(async |i| {
                let num = format!("20260822{:06}", batch * 10 + i);
                stage_ref.send_large(&num, MIB).await
            }))
            .await,
        );
    }
    assert!(sent.iter().all(|verdict| verdict == "accepted"));
    stage.worker_process(&[]).await;
    let all = small + policies + bodies;
    stage.until("SELECT COUNT(*) FROM notices", i64::from(all)).await;
    let peak = stage.processes[0].peak_memory();
    println!("{} MiB", peak / MIB);
    assert!(peak < 128 * MIB, "{} MiB", peak / MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_notice_does_not_wait_for_the_group_policies_before_it() {
    let mut stage = Stage::new().await;
    let names: Vec<String> = (0..3_000).map(|i| format!("被保险人{i:05}")).collect();
    let names = names.join(",");
    for i in 0..30 {
        let num = format!("2026082300{i:04}");
        stage.send(3, &num, issued(&format!("P-{num}"), &names)).await;
    }
    stage.send(1, "20260823990000", json!({ "state": true })).await;
    stage
        .worker(&[
            ("XIEBAO__WORKER__LANES", "1"),
            ("XIEBAO__SEQUENCING__ISSUED__MAX_WAIT", "1s"),
        ])
        .await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'insured'", 1)
        .await;
    let before = stage
        .number("SELECT COUNT(*) FROM notices WHERE notify_type = 3")
        .await;
    assert!(before < 30, "{before}");
    // The holds that end together are released in transactions of a bounded length.
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'issued'", 30)
        .await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM insured_persons").await, 90_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_notices_in_hand_survive_a_long_outage_of_the_database() {
    let mut stage = Stage::new().await;
    let proxy = xiebao_testkit::Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let soon = ("XIEBAO__WORKER__HAND_BACK_AFTER_MS", "3000");
    stage
        .worker_process(&[("XIEBAO__DATABASE__URL", &through), soon])
        .await;
    proxy.cut();
    for i in 0..40 {
        let body = large(&format!("2026082400{i:04}"), MIB);
        assert_eq!(stage.send_raw(body).await, "accepted");
    }
    eventually(async || stage.broker.depth(NOTICES).await == (40, 0))
        .await
        .expect("they are handed back");
    proxy.resume();
    stage.until("SELECT COUNT(*) FROM proposals", 40).await;
    assert!(stage.processes[0].peak_memory() < 128 * MIB);
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}
