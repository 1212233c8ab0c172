use std::net::SocketAddr;

use serde_json::json;
use xiebao_testkit::{Metrics, Proxy, free_address};

use crate::stage::{Stage, eventually, paid};

const OFTEN: (&str, &str) = ("XIEBAO__WORKER__SAMPLE_INTERVAL_MS", "200");

async fn gauge(admin: SocketAddr, name: &str, label: &str) -> Option<f64> {
    let metrics = Metrics::read(&reqwest::Client::new(), admin).await.ok()?;
    let mut found = metrics.samples(name).filter(|(labels, _)| labels.contains(label));
    found.next().map(|(_, value)| value)
}

async fn until(admin: SocketAddr, name: &str, label: &str, wanted: impl Fn(Option<f64>) -> bool) {
    let mut last = None;
    let reached = eventually(async || {
        last = gauge(admin, name, label).await;
        wanted(last)
    });
    assert!(reached.await.is_ok(), "{name} {label}: still {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_show_what_is_held_and_what_is_dead_and_go_when_the_database_does() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &through), OFTEN]);
    worker.ready().await;
    let admin = worker.admin;
    stage.send(9, "20261126000001", json!({ "state": true })).await;
    stage.send(9, "20261126000002", json!({ "state": true })).await;
    stage.send(1, "20261126000003", json!({})).await;

    let held = "xiebao_worker_held_notices";
    until(admin, held, "\"e_policy\"", |value| value == Some(2.0)).await;
    until(admin, held, "\"paid\"", |value| value == Some(0.0)).await;
    until(admin, "xiebao_worker_held_proposals", "", |value| {
        value == Some(2.0)
    })
    .await;
    until(admin, "xiebao_worker_held_oldest_seconds", "", |value| {
        value > Some(0.2)
    })
    .await;
    until(admin, "xiebao_worker_held_overdue", "", |value| {
        value == Some(0.0)
    })
    .await;
    let open = "xiebao_worker_dead_letters_open";
    until(admin, open, "\"incomplete\"", |value| value == Some(1.0)).await;

    stage
        .execute("UPDATE notices SET hold_until = '2026-01-01 00:00:00' WHERE outcome = 'held'")
        .await;
    until(admin, "xiebao_worker_held_overdue", "", |value| {
        value == Some(2.0)
    })
    .await;

    proxy.cut();
    until(admin, held, "", |value| value.is_none()).await;
    until(admin, open, "", |value| value.is_none()).await;
    let seen = "xiebao_worker_sampled_timestamp_seconds";
    until(admin, seen, "\"held\"", |value| value > Some(1e9)).await;
    proxy.resume();
    until(admin, open, "\"incomplete\"", |value| value == Some(1.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_show_what_a_worker_has_in_hand_and_what_it_leaves_while_the_database_is_away() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let few = ("XIEBAO__WORKER__PREFETCH", "3");
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &through), few, OFTEN]);
    worker.ready().await;
    let admin = worker.admin;
    let (in_hand, at_work) = (
        "xiebao_worker_deliveries_in_hand",
        "xiebao_worker_batches_at_work",
    );
    let ready = ("xiebao_worker_queue_messages_ready", "\"xiebao.notices\"");
    until(admin, in_hand, "", |value| value == Some(0.0)).await;
    until(admin, ready.0, ready.1, |value| value == Some(0.0)).await;

    proxy.cut();
    for i in 0..5 {
        stage
            .send(1, &format!("2026112600003{i}"), json!({ "state": true }))
            .await;
    }
    until(admin, in_hand, "", |value| value == Some(3.0)).await;
    until(admin, at_work, "", |value| value > Some(0.0)).await;
    until(admin, ready.0, ready.1, |value| value == Some(2.0)).await;

    proxy.resume();
    until(admin, in_hand, "", |value| value == Some(0.0)).await;
    until(admin, at_work, "", |value| value == Some(0.0)).await;
    until(admin, ready.0, ready.1, |value| value == Some(0.0)).await;
    stage.until("SELECT COUNT(*) FROM proposals", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_queues_shows_although_the_database_was_never_there() {
    let stage = Stage::new().await;
    let nowhere = format!("mysql://nobody:x@{}/nothing", free_address());
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &nowhere), OFTEN]);
    let admin = worker.admin;
    for i in 0..3 {
        stage
            .send(1, &format!("2026112600001{i}"), json!({ "state": true }))
            .await;
    }
    let ready = "xiebao_worker_queue_messages_ready";
    until(admin, ready, "\"xiebao.notices\"", |value| value == Some(3.0)).await;
    let seen = "xiebao_worker_sampled_timestamp_seconds";
    until(admin, seen, "\"held\"", |value| value == Some(0.0)).await;

    // Without a database nobody declares it again but the receiver, when it has something to tell.
    let record = "\"xiebao.refused\"";
    until(admin, ready, record, |value| value == Some(0.0)).await;
    stage.broker.delete_queue("xiebao.refused").await;
    until(admin, ready, record, |value| value.is_none()).await;
    stage.send(1, "20261126000014", json!({ "state": true })).await;
    until(admin, ready, "\"xiebao.notices\"", |value| value == Some(4.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_late_and_what_died_is_counted_by_step_and_by_reason() {
    let stage = Stage::new().await;
    let soon = ("XIEBAO__SEQUENCING__PAID__MAX_WAIT", "1s");
    let worker = stage.unready_worker(&[soon, OFTEN]);
    worker.ready().await;
    let admin = worker.admin;
    let late = "xiebao_worker_late_total";
    until(admin, late, "\"insured\"", |value| value == Some(0.0)).await;
    stage.send(2, "20261126000021", paid(100)).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE out_of_order", 1)
        .await;
    stage.send(1, "20261126000021", json!({ "state": true })).await;
    until(admin, late, "\"insured\"", |value| value == Some(1.0)).await;

    let dead = "xiebao_worker_dead_letters_total";
    until(admin, dead, "\"unreadable\"", |value| value == Some(0.0)).await;
    let (_connection, channel) = stage.broker.channel().await;
    let options = lapin::options::BasicPublishOptions::default();
    let sent = channel.basic_publish(
        "".into(),
        "xiebao.dead".into(),
        options,
        b"no notice",
        Default::default(),
    );
    sent.await.expect("it is published");
    until(admin, dead, "\"unreadable\"", |value| value == Some(1.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_of_health_say_which_of_broker_and_database_is_away() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(stage.database.address()).await;
    let through = proxy.instead_of(&stage.database.url());
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &through)]);
    worker.ready().await;
    let admin = worker.admin;
    for name in ["ready", "broker_up", "consuming", "database_up"] {
        until(admin, &format!("xiebao_worker_{name}"), "", |value| {
            value == Some(1.0)
        })
        .await;
    }
    proxy.cut();
    for name in ["ready", "database_up"] {
        until(admin, &format!("xiebao_worker_{name}"), "", |value| {
            value == Some(0.0)
        })
        .await;
    }
    until(admin, "xiebao_worker_broker_up", "", |value| value == Some(1.0)).await;
    proxy.resume();
    until(admin, "xiebao_worker_ready", "", |value| value == Some(1.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_stays_paid_shows_until_it_is_issued() {
    let stage = Stage::new().await;
    let worker = stage.unready_worker(&[OFTEN, ("XIEBAO__WORKER__STUCK_AFTER", "1s")]);
    worker.ready().await;
    let admin = worker.admin;
    let stuck = "xiebao_worker_proposals_stuck";
    until(admin, stuck, "\"paid\"", |value| value == Some(0.0)).await;
    let number = "20261126000001";
    stage.send(1, number, json!({ "state": true })).await;
    stage.send(2, number, paid(100)).await;
    until(admin, stuck, "\"paid\"", |value| value == Some(1.0)).await;
    stage.send(3, number, crate::stage::issued("P1", "李四")).await;
    until(admin, stuck, "\"paid\"", |value| value == Some(0.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_person_who_is_in_no_policy_shows_until_an_issue_names_the_person() {
    let stage = Stage::new().await;
    let worker = stage.unready_worker(&[OFTEN]);
    worker.ready().await;
    let admin = worker.admin;
    let unmatched = "xiebao_worker_proposals_unmatched";
    until(admin, unmatched, "", |value| value == Some(0.0)).await;
    let number = "20261126000001";
    stage.send(1, number, json!({ "state": true })).await;
    stage.send(2, number, paid(100)).await;
    stage
        .send(3, number, crate::stage::issued("P1", "艾力·买买提"))
        .await;
    let leaving = json!({ "state": true, "cancelInsurants": ["艾力•买买提", "李四"] });
    stage.send(4, number, leaving).await;
    until(admin, unmatched, "", |value| value == Some(1.0)).await;
    stage
        .until("SELECT COUNT(*) FROM insured_persons WHERE cancelled", 1)
        .await;
    stage.send(3, number, crate::stage::issued("P2", "李 四")).await;
    until(admin, unmatched, "", |value| value == Some(0.0)).await;
    stage
        .until("SELECT COUNT(*) FROM insured_persons WHERE cancelled", 2)
        .await;
}
