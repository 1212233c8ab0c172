use bytes::Bytes;
use serde_json::json;
use xiebao_amqp::topology::NOTICES;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::{Reason, Rejection};
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::{self, DeadLetter, Filter, NewDeadLetter};
use xiebao_testkit::Broker;

use crate::cli::{Cli, body};

const RECEIVED_AT: &str = "2026-07-23T01:15:02.000123Z";

/// A dead letter as a worker would file it.
pub fn letter(body: Vec<u8>, reason: Reason, detail: &str) -> NewDeadLetter {
    let now = clock::now();
    let rejection = Rejection::new(reason, detail);
    let header = |name: &str| match name {
        header::RECEIVED_AT => Some(RECEIVED_AT),
        header::SIGNATURE_FORM => Some("sorted"),
        _ => None,
    };
    match Envelope::from_message(Bytes::from(body.clone()), header, now) {
        Ok(envelope) => NewDeadLetter::of_envelope(&envelope, &rejection, now),
        Err(_) => NewDeadLetter::of_bytes(&body, &rejection, now),
    }
}

impl Cli {
    /// Files a dead letter as a worker would; its id.
    pub async fn file(&self, body: Vec<u8>, reason: Reason, detail: &str) -> String {
        let letter = letter(body, reason, detail);
        dead_letters::insert(&mut self.connect().await, &[letter])
            .await
            .expect("it is filed");
        let list = self.json(&["dead", "list", "--status", "all", "--json"]).await;
        let ids = list["letters"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|letter| letter["id"].as_i64());
        ids.max().expect("it is listed").to_string()
    }
}

#[tokio::test]
async fn the_list_is_grouped_by_reason_and_filtered() {
    let cli = Cli::new().await;
    assert_eq!(cli.xiebao(&["dead", "list"]).await.code, 1);
    let bad_price = json!({ "price": -1 });
    cli.file(
        body(2, "20260905000001", bad_price),
        Reason::InvalidField,
        "price is a negative amount",
    )
    .await;
    cli.file(
        body(1, "20260905000002", json!({})),
        Reason::Incomplete,
        "no state",
    )
    .await;
    let third = cli
        .file(
            body(2, "20260905000003", json!({})),
            Reason::Incomplete,
            "no price",
        )
        .await;
    let answer = cli.xiebao(&["dead", "list"]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&[
        "incomplete     2, first",
        "invalid_field  1, first",
        "payment notice (2)",
        "no price",
    ]);
    let zh = cli
        .xiebao(&[
            "--lang",
            "zh",
            "dead",
            "list",
            "--reason",
            "incomplete",
            "--type",
            "2",
        ])
        .await;
    zh.says(&["缺少必需的内容", "1 封", "20260905000003"]);
    assert!(!zh.out.contains("20260905000002"), "{zh:?}");
    let cut = cli.xiebao(&["dead", "list", "--limit", "1"]).await;
    cut.says(&["Only the first 1 are listed"]);
    let shown = cli.xiebao(&["dead", "show", &third]).await;
    assert_eq!(shown.code, 0);
    shown.says(&[
        "a required value is missing",
        "to repair",
        "\"insureNum\": \"20260905000003\"",
        "2026-07-23 09:15:02",
    ]);
    assert_eq!(
        cli.json(&["dead", "show", &third, "--json"]).await["body"]["notifyType"],
        2
    );
    assert_eq!(cli.xiebao(&["dead", "show", "99999"]).await.code, 1);
    cli.xiebao(&["trace", "20260905000003"])
        .await
        .says(&["none was applied", &format!("#{third}")]);
}

#[tokio::test]
async fn a_requeued_letter_is_the_message_it_was() {
    let broker = Broker::new().await;
    let cli = Cli::new().await.with_broker(broker.url());
    let whole = body(
        2,
        "20260905000004",
        json!({ "price": 1, "payTime": "2026-07-23 09:15:02" }),
    );
    let letter = cli
        .file(whole.clone(), Reason::TimedOut, "paid waited in vain for insured")
        .await;
    let wreck = cli
        .file(b"no notice".to_vec(), Reason::Unreadable, "not JSON")
        .await;
    let answer = cli.xiebao(&["dead", "requeue", &letter, &wreck, "99999"]).await;
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says(&[
        "is back on the queue",
        "its body is not a notice",
        "There is no dead letter #99999",
    ]);
    let messages = broker.drain_at_least(NOTICES, 1).await;
    let [message] = &messages[..] else {
        panic!("one message: {messages:?}")
    };
    let first = Envelope::from_message(Bytes::from(whole.clone()), |_| None, clock::now());
    let digest = first.expect("an envelope").digest().to_string();
    assert_eq!(
        (&message.body, message.message_id.as_ref()),
        (&whole, Some(&digest))
    );
    assert_eq!(
        (message.routing_key.as_str(), message.delivery_mode),
        ("notice.2", Some(2))
    );
    assert_eq!(message.headers[header::RECEIVED_AT], RECEIVED_AT);
    assert_eq!(message.headers[header::SIGNATURE_FORM], "sorted");
    let json = cli.json(&["dead", "show", &letter, "--json"]).await;
    assert_eq!(
        (json["status"].as_str(), json["requeue_count"].as_i64()),
        (Some("requeued"), Some(1))
    );
    assert_eq!(
        cli.json(&["dead", "show", &wreck, "--json"]).await["status"],
        "open"
    );
}

#[tokio::test]
async fn without_a_broker_nothing_is_marked_as_requeued() {
    let cli = Cli::new().await;
    let letter = cli
        .file(body(1, "20260905000005", json!({})), Reason::ApplyFailed, "x")
        .await;
    let answer = cli.xiebao(&["dead", "requeue", &letter]).await;
    assert_eq!(answer.code, 3, "{answer:?}");
    assert_eq!(
        cli.json(&["dead", "show", &letter, "--json"]).await["status"],
        "open"
    );
}

#[tokio::test]
async fn a_discarded_letter_keeps_its_reason() {
    let cli = Cli::new().await;
    let letter = cli
        .file(
            body(1, "20260905000006", json!({})),
            Reason::Incomplete,
            "no state",
        )
        .await;
    assert_eq!(cli.xiebao(&["dead", "discard", &letter]).await.code, 2);
    assert_eq!(
        cli.xiebao(&["dead", "discard", &letter, "--reason", " "])
            .await
            .code,
        2
    );
    let answer = cli
        .xiebao(&["dead", "discard", &letter, "--reason", "重推了"])
        .await;
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(cli.xiebao(&["dead", "list"]).await.code, 1);
    cli.xiebao(&["dead", "show", &letter])
        .await
        .says(&["discarded", "重推了"]);
    assert_eq!(
        cli.xiebao(&["dead", "discard", "99999", "--reason", "x"])
            .await
            .code,
        1
    );
}

#[tokio::test]
async fn a_requeued_letter_that_failed_again_before_it_was_marked_stays_open() {
    let cli = Cli::new().await;
    let file = || {
        cli.file(
            body(1, "20260905000020", json!({})),
            Reason::Incomplete,
            "no state",
        )
    };
    let letter = file().await;
    let row = async || {
        let filter = Filter::default();
        let rows = dead_letters::select(&mut cli.connect().await, &filter, 1).await;
        rows.expect("it is there").remove(0)
    };
    let mark = async |row: DeadLetter| {
        let mut conn = cli.connect().await;
        let marked = dead_letters::mark_requeued(&mut conn, &[row]).await;
        marked.expect("it is marked");
        let json = cli.json(&["dead", "show", &letter, "--json"]).await;
        (
            json["status"].as_str().map(str::to_owned),
            json["requeue_count"].as_i64(),
        )
    };
    let before = row().await;
    // Once more, between the broker's confirm and the mark.
    file().await;
    assert_eq!(mark(before).await, (Some("open".to_owned()), Some(1)));
    assert_eq!(mark(row().await).await, (Some("requeued".to_owned()), Some(2)));
}

#[tokio::test]
async fn a_letter_says_whether_this_release_can_read_it_or_only_a_new_notice_helps() {
    let cli = Cli::new().await;
    let issue = |end: &str| {
        let policy = json!({ "policyNum": "P1", "endDate": end });
        body(3, "20260905000030", json!({ "policys": [policy] }))
    };
    let detail = "endDate is not a date yyyy-MM-dd";
    let readable = cli.file(issue("终身"), Reason::InvalidField, detail).await;
    let wrong = cli.file(issue("2026-02-30"), Reason::InvalidField, detail).await;
    let shown = cli.xiebao(&["dead", "show", &readable]).await;
    shown.says(&["This release can read it: requeue it"]);
    assert!(!shown.out.contains("becomes a dead letter again"), "{shown:?}");
    cli.xiebao(&["dead", "show", &readable, "--lang", "zh"])
        .await
        .says(&["本版本已能读取其内容：请重新入队"]);
    let json = cli.json(&["dead", "show", &wrong, "--json"]).await;
    assert_eq!(json["readable_now"], false);
    cli.xiebao(&["dead", "show", &wrong]).await.says(&[
        "send it again as a new notice",
        "requeued unchanged, it becomes a dead letter again",
    ]);
    cli.xiebao(&["dead", "list"])
        .await
        .says(&["only a corrected notice helps"]);
    cli.xiebao(&["dead", "list", "--lang", "zh"])
        .await
        .says(&["须由携保推送改正后的新通知"]);
}
