use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};
use xiebao_core::reason::Reason;
use xiebao_core::refused::Refused;
use xiebao_runtime::clock;
use xiebao_store::sql::refused;
use xiebao_testkit::Broker;

use crate::cli::{Cli, body, paid};
use crate::dead::letter;
use crate::platform_stub::PlatformStub;

fn fact<'s>(status: &'s Value, name: &str) -> &'s Value {
    let facts = status["facts"].as_array().expect("facts");
    facts
        .iter()
        .find(|fact| fact["fact"] == name)
        .unwrap_or_else(|| panic!("no {name}: {status:#}"))
}

/// Three requests of a moment ago that claim to be the payment notice of a proposal.
fn record(id: &str, verdict: &str) -> Refused {
    let now = clock::now();
    Refused {
        id: id.repeat(32),
        first_at: now - TimeDelta::minutes(5),
        last_at: now,
        tries: 3,
        verdict: verdict.to_owned(),
        source: None,
        insure_num: Some("20260905000009".to_owned()),
        notify_type: Some(2),
        partner_id: Some(1_048_483),
        digest: None,
    }
}

#[tokio::test]
async fn all_is_well_where_services_are_at_work_and_nothing_needs_a_person() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[]).await;
    // The queues of dead letters and of refused requests are taken from a moment later than that of notices.
    let begun = Instant::now();
    let told = loop {
        let told = stub.cli.xiebao(&["status"]).await;
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
    let stub = PlatformStub::new().await;
    let cli = &stub.cli;
    cli.deliver(1, "20260905000001", json!({})).await;
    cli.deliver(2, "20260905000001", paid()).await;
    cli.execute("UPDATE notices SET received_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
        .await;
    cli.deliver(2, "20260905000002", paid()).await;
    cli.execute("UPDATE notices SET hold_until = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE outcome = 'held'")
        .await;
    cli.file_all(&[letter(
        body(4, "20260905000003", json!({})),
        Reason::TimedOut,
        "of a test",
    )])
    .await;
    let authentic = Refused {
        digest: Some("d".repeat(64)),
        ..record("0", "unavailable")
    };
    refused::file(&mut cli.connect().await, &[authentic])
        .await
        .expect("filed");
    let arguments = ["status", "--service", "http://127.0.0.1:1"];
    let told = cli.xiebao(&arguments).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&[
        "✗ queue xiebao.notices: is missing or not as wanted",
        "✗ held: 1 notices of 1 proposals, the first since",
        "→ xiebao held list",
        "✗ dead letters open: 1 (timed_out 1)",
        "→ xiebao dead list",
        "✗ paid and not issued for more than 30 min: 1",
        "→ xiebao stuck --step paid",
        "✗ requests refused in the last hour: 3 (unavailable 3); notices that have not come since: 1",
        "→ xiebao refused list --missing",
        "✗ service http://127.0.0.1:1: Connection refused",
    ]);
    cli.xiebao(&[&arguments[..], &["--lang", "zh"]].concat())
        .await
        .says(&["✗ 已支付未出单超过 30 分钟：1 个", "✗ 服务"]);
    let status = cli.json(&[&arguments[..], &["--json"]].concat()).await;
    assert_eq!(
        (&status["well"], &fact(&status, "stuck")["count"]),
        (&json!(false), &json!(1))
    );
}

#[tokio::test]
async fn it_watches_a_service_until_it_is_told_to_stop_and_tells_its_rate() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[]).await;
    let service = stub.worker_admin();
    let mut running = stub
        .cli
        .start(&["status", "--watch", "1", "--json", "--service", &service])
        .await;
    let mut said = String::new();
    let two_looks = async {
        while said.lines().filter(|line| *line == "}").count() < 2 {
            let line = running.first_line().await;
            assert_ne!(line, "", "it has ended: {said}");
            said.push_str(&line);
            said.push('\n');
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), two_looks).await;
    assert!(waited.is_ok(), "it has not looked twice: {said}");
    running.signal("INT").await;
    let told = running.ended().await;
    assert_eq!(told.code, 0, "{told:?}");
    said += &told.out;
    let looks: Vec<Value> = serde_json::Deserializer::from_str(&said)
        .into_iter()
        .map(|look| look.expect("JSON"))
        .collect();
    assert!(looks.len() >= 2, "{said}");
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
    let cli = Cli::new().await;
    let told = cli.xiebao(&["status"]).await;
    assert_eq!(told.code, 3, "{told:?}");
    told.says(&["✗ broker: amqp://", "✓ dead letters open: 0"]);
}

#[tokio::test]
async fn a_database_that_refuses_is_not_away() {
    let broker = Broker::new().await;
    let cli = Cli::unmigrated().await.with_broker(broker.url());
    let told = cli.xiebao(&["status"]).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&["✗ database: mysql://", " refuses: Table '", "→ xiebao doctor"]);
    cli.xiebao(&["status", "--lang", "zh"])
        .await
        .says(&["✗ 数据库：", " 拒绝查询：Table '"]);
}

#[tokio::test]
async fn what_strangers_post_and_what_has_come_since_needs_no_person() {
    let cli = Cli::new().await;
    cli.deliver(2, "20260905000009", paid()).await;
    let nameless = Refused {
        insure_num: None,
        ..record("1", "malformed")
    };
    let records = [
        nameless,
        record("2", "bad_signature"),
        Refused {
            insure_num: Some("20260905000008".to_owned()),
            ..record("3", "not_allowed")
        },
    ];
    refused::file(&mut cli.connect().await, &records)
        .await
        .expect("filed");
    let status = cli.json(&["status", "--json"]).await;
    let seen = fact(&status, "refused");
    assert_eq!(
        (&seen["well"], &seen["requests"], &seen["missing"]),
        (&json!(true), &json!(9), &json!(0)),
        "{seen:#}"
    );
    let unknown = Refused {
        insure_num: Some("20260905000007".to_owned()),
        ..record("4", "unknown_partner")
    };
    refused::file(&mut cli.connect().await, &[unknown])
        .await
        .expect("filed");
    let status = cli.json(&["status", "--json"]).await;
    let seen = fact(&status, "refused");
    assert_eq!((&seen["well"], &seen["missing"]), (&json!(false), &json!(1)));
}
