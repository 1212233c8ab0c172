use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;
use xiebao_runtime::refused::Refused;
use xiebao_worker::store::refused;

use crate::dead::letter;
use crate::desk::{Desk, body, paid};
use crate::floor::Floor;

fn fact<'s>(status: &'s Value, name: &str) -> &'s Value {
    let facts = status["facts"].as_array().expect("facts");
    facts
        .iter()
        .find(|fact| fact["fact"] == name)
        .unwrap_or_else(|| panic!("no {name}: {status:#}"))
}

#[tokio::test]
async fn all_is_well_where_services_are_at_work_and_nothing_needs_a_person() {
    let mut floor = Floor::new().await;
    floor.worker(&[]).await;
    // The queues of dead letters and of refused requests are taken from a moment later than that of notices.
    let begun = Instant::now();
    let told = loop {
        let told = floor.desk.xiebao(&["status"]).await;
        if told.code == 0 || begun.elapsed() > Duration::from_secs(20) {
            break told;
        }
    };
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&[
        "✓ queue xiebao.notices: messages: 0, consumers: 1",
        "✓ dead letters open: 0",
        "✓ held: 0 notices",
    ]);
    assert!(!told.out.contains('✗'), "{told:?}");
}

#[tokio::test]
async fn what_needs_a_person_is_told_with_the_command_to_run_next() {
    let floor = Floor::new().await;
    let desk = &floor.desk;
    desk.deliver(1, "20260905000001", json!({})).await;
    desk.deliver(2, "20260905000001", paid()).await;
    desk.execute("UPDATE notices SET received_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
        .await;
    desk.deliver(2, "20260905000002", paid()).await;
    desk.execute("UPDATE notices SET hold_until = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE outcome = 'held'")
        .await;
    desk.file_all(&[letter(
        body(4, "20260905000003", json!({})),
        Reason::TimedOut,
        "of a test",
    )])
    .await;
    let now = clock::now();
    let record = Refused {
        id: "0".repeat(32),
        first_at: now - TimeDelta::minutes(5),
        last_at: now,
        tries: 3,
        verdict: "unavailable".to_owned(),
        source: None,
        insure_num: None,
        notify_type: None,
        partner_id: None,
        digest: None,
    };
    refused::file(&mut desk.connect().await, &[record])
        .await
        .expect("filed");
    let arguments = ["status", "--service", "http://127.0.0.1:1"];
    let told = desk.xiebao(&arguments).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&[
        "✗ queue xiebao.notices: is missing or not as wanted",
        "✗ held: 1 notices of 1 proposals, the first since",
        "→ xiebao held list",
        "✗ dead letters open: 1 (timed_out 1)",
        "→ xiebao dead list",
        "✗ paid and not issued for more than 30 min: 1",
        "→ xiebao stuck --step paid",
        "✗ requests refused in the last hour: 3 (unavailable 3)",
        "→ xiebao refused list --missing",
        "✗ service http://127.0.0.1:1: Connection refused",
    ]);
    desk.xiebao(&[&arguments[..], &["--lang", "zh"]].concat())
        .await
        .says(&["✗ 已支付未出单超过 30 分钟：1 个", "✗ 服务"]);
    let status = desk.json(&[&arguments[..], &["--json"]].concat()).await;
    assert_eq!(
        (&status["well"], &fact(&status, "stuck")["count"]),
        (&json!(false), &json!(1))
    );
}

#[tokio::test]
async fn it_watches_a_service_until_it_is_told_to_stop_and_tells_its_rate() {
    let mut floor = Floor::new().await;
    floor.worker(&[]).await;
    let service = floor.worker_admin();
    let running = floor
        .desk
        .start(&["status", "--watch", "1", "--json", "--service", &service])
        .await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    running.signal("INT").await;
    let told = running.ended().await;
    assert_eq!(told.code, 0, "{told:?}");
    let looks: Vec<Value> = serde_json::Deserializer::from_str(&told.out)
        .into_iter()
        .map(|look| look.expect("JSON"))
        .collect();
    assert!(looks.len() >= 2, "{told:?}");
    assert_eq!(fact(&looks[0], "service")["per_second"], json!(null));
    let last = fact(looks.last().expect("one"), "service");
    assert_eq!(
        (&last["ready"], &last["per_second"]),
        (&json!(true), &json!(0.0)),
        "{last:#}"
    );
}

#[tokio::test]
async fn a_broker_or_database_out_of_reach_is_exit_code_3() {
    let desk = Desk::new().await;
    let told = desk.xiebao(&["status"]).await;
    assert_eq!(told.code, 3, "{told:?}");
    told.says(&["✗ broker: amqp://", "✓ dead letters open: 0"]);
}
