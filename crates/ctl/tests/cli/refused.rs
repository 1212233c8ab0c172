use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use xiebao_core::reason::Reason;
use xiebao_core::refused::Refused;
use xiebao_runtime::clock;
use xiebao_store::sql::refused;
use xiebao_testkit::{KEY, PARTNER, notice, post};

use crate::cli::{Cli, body, paid};
use crate::dead::letter;
use crate::platform_stub::PlatformStub;

pub fn one(nth: u8, number: Option<&str>, at: DateTime<Utc>) -> Refused {
    Refused {
        id: format!("{nth:032x}"),
        first_at: at,
        last_at: at + TimeDelta::hours(5),
        tries: 6,
        verdict: "bad_signature".to_owned(),
        source: Some("192.0.2.7".to_owned()),
        insure_num: number.map(str::to_owned),
        notify_type: Some(2),
        partner_id: Some(7),
        digest: None,
    }
}

async fn digest(cli: &Cli, number: &str) -> Option<String> {
    let told = cli.json(&["trace", number, "--json"]).await;
    told["applied"][0]["digest"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn what_was_refused_is_on_record_until_the_notice_comes() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[]).await;
    let receiver = stub.receiver().await;
    let cli = &stub.cli;
    let data = json!({ "partnerId": PARTNER, "insureNum": "20260905000001", "state": true });
    let forged = notice(1, &data, "not the key");
    for _ in 0..3 {
        assert_eq!(
            post(&receiver.url, forged.clone()).await.verdict(),
            "bad_signature"
        );
    }
    assert_eq!(post(&receiver.url, b"{".to_vec()).await.verdict(), "malformed");
    stub.until_at_least("SELECT COUNT(*) FROM refused_requests", 2)
        .await;
    let told = cli.json(&["refused", "list", "--json"]).await;
    let all = told["refused"].as_array().expect("a list");
    let named = all
        .iter()
        .find(|one| !one["insure_num"].is_null())
        .expect("the forged one");
    assert_eq!(
        (
            &named["insure_num"],
            &named["tries"],
            &named["verified"],
            &named["arrived"],
            &named["source"]
        ),
        (
            &json!("20260905000001"),
            &json!(3),
            &json!(false),
            &json!(false),
            &json!("127.0.0.1")
        )
    );
    cli.xiebao(&["refused", "list", "--text"]).await.says(&[
        "请人工重新推送",
        "投保单号 20260905000001，投保通知（1）",
        "共请求 3 次，验签未通过",
        "另有 1 次请求无法识别投保单号",
    ]);
    cli.deliver(1, "20260905000001", json!({})).await;
    cli.xiebao(&["refused", "list"]).await.says(&[
        "20260905000001 *",
        "has come since",
        "cannot be identified",
        "* not verified",
    ]);
    let missing = cli.json(&["refused", "list", "--missing", "--json"]).await;
    assert_eq!(
        missing["refused"].as_array().map(Vec::len),
        Some(1),
        "{missing:#}"
    );
    let bodies = "SELECT COUNT(*) FROM refused_requests WHERE CONCAT_WS('|', verdict, source, insure_num) LIKE '%sign\"%'";
    assert_eq!(cli.number(bodies).await, 0);
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_is_nothing_to_the_notices_and_doctor_names_the_difference() {
    let mut stub = PlatformStub::new().await;
    let other = json!({ "durable": true, "arguments": { "x-queue-type": "quorum", "x-max-length": 5 } });
    stub.broker.declare("queues", "xiebao.refused", other).await;
    stub.worker(&[]).await;
    let receiver = stub.receiver().await;
    let data = json!({ "partnerId": PARTNER, "insureNum": "20260905000009", "state": true });
    let answer = post(&receiver.url, notice(1, &data, KEY)).await;
    assert_eq!(answer.verdict(), "accepted");
    stub.until(
        "SELECT COUNT(*) FROM proposals WHERE insure_num = '20260905000009'",
        1,
    )
    .await;
    let told = stub.cli.xiebao(&["doctor"]).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&[
        "✓ broker: queue xiebao.notices is as wanted",
        "✗ broker: queue xiebao.refused is not as wanted: PRECONDITION_FAILED",
        "x-",
        "notices are not affected",
    ]);
    stub.cli.xiebao(&["status"]).await.says(&[
        "✓ queue xiebao.notices",
        "✗ queue xiebao.refused: is missing or not as wanted; no notice goes through it",
    ]);
    let log = stub.stop_workers().await;
    assert_eq!(
        log.matches("refused requests cannot be filed; notices").count(),
        1,
        "{log}"
    );
}

#[tokio::test]
async fn an_authentic_one_has_come_when_the_same_has_and_a_claimed_one_when_one_came_later() {
    let cli = Cli::new().await;
    let now = clock::now();
    for number in ["A1", "A2", "A3"] {
        cli.deliver(1, number, json!({})).await;
    }
    let unavailable = |nth, number, digest| Refused {
        digest: Some(digest),
        verdict: "unavailable".to_owned(),
        notify_type: Some(1),
        ..one(nth, Some(number), now - TimeDelta::hours(9))
    };
    let known = digest(&cli, "A1").await.expect("applied");
    let dead = letter(body(2, "A5", paid()), Reason::TimedOut, "of a test");
    let records = [
        unavailable(1, "A1", known.clone()),
        unavailable(2, "A1", known.replace(['0', '1', '2'], "f")),
        unavailable(3, "A5", dead.digest.clone()),
        Refused {
            notify_type: Some(1),
            ..one(4, Some("A2"), now - TimeDelta::hours(9))
        },
        Refused {
            notify_type: Some(1),
            ..one(5, Some("A3"), now + TimeDelta::hours(9))
        },
        one(6, None, now),
    ];
    cli.file_all(&[dead]).await;
    let mut conn = cli.connect().await;
    for _ in 0..2 {
        refused::file(&mut conn, &records).await.expect("they are filed");
    }
    let told = cli.json(&["refused", "list", "--json"]).await;
    let mut seen: Vec<(String, Option<bool>)> = told["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                one["insure_num"].as_str().unwrap_or("-").to_owned(),
                one["arrived"].as_bool(),
            )
        })
        .collect();
    seen.sort();
    let wanted = [
        ("-", None),
        ("A1", Some(false)),
        ("A1", Some(true)),
        ("A2", Some(true)),
        ("A3", Some(false)),
        ("A5", Some(true)),
    ];
    assert_eq!(seen, wanted.map(|(number, arrived)| (number.to_owned(), arrived)));
    let only = cli
        .json(&[
            "refused",
            "list",
            "--json",
            "--missing",
            "--verdict",
            "unavailable",
        ])
        .await;
    assert_eq!(only["refused"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        cli.xiebao(&["refused", "list", "--since", "2090-01-01"])
            .await
            .code,
        1
    );
}

#[tokio::test]
async fn the_text_leaves_what_is_verified_whole_and_out_what_can_name_no_proposal() {
    let cli = Cli::new().await;
    let now = clock::now();
    let mut records: Vec<Refused> = (0..9).map(|n| one(n, Some("A1"), now)).collect();
    for (nth, record) in records.iter_mut().enumerate() {
        record.insure_num = Some(format!("A{nth}"));
    }
    records[0] = Refused {
        digest: Some("d".repeat(64)),
        verdict: "unavailable".to_owned(),
        ..one(0, Some("B1"), now - TimeDelta::hours(20))
    };
    records[1] = Refused {
        verdict: "not_allowed".to_owned(),
        tries: 77,
        ..one(1, None, now)
    };
    refused::file(&mut cli.connect().await, &records)
        .await
        .expect("they are filed");
    let text = cli.xiebao(&["refused", "list", "--text", "--limit", "3"]).await;
    text.says(&[
        "以下通知我方未能成功接收",
        "1. 投保单号 B1，",
        "（以下未验签，投保单号仅为请求所声称）",
        "3. 投保单号 A",
    ]);
    assert!(!text.out.contains("77 次"), "{text:?}");
    cli.xiebao(&["refused", "list", "--text", "--verdict", "not_allowed"])
        .await
        .says(&["另有 77 次请求无法识别投保单号"]);
}
