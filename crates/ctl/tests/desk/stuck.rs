use serde_json::json;
use xiebao_core::reason::Reason;

use crate::dead::letter;
use crate::desk::{Desk, body, issued, paid};

/// Minutes before now at which everything of a proposal came.
async fn came(desk: &Desk, number: &str, minutes: u32) {
    let ago = format!("UTC_TIMESTAMP(6) - INTERVAL {minutes} MINUTE");
    desk.execute(&format!(
        "UPDATE notices SET received_at = {ago}, last_received_at = {ago} WHERE insure_num = '{number}'"
    ))
    .await;
}

/// Paid for 50 and for 10 minutes, insured for 50, issued for 50.
async fn furnished() -> Desk {
    let desk = Desk::new().await;
    for (number, minutes) in [
        ("20260905000001", 50),
        ("20260905000002", 10),
        ("20260905000005", 90),
    ] {
        desk.deliver(1, number, json!({})).await;
        desk.deliver(2, number, paid()).await;
        came(&desk, number, minutes).await;
    }
    desk.deliver(1, "20260905000003", json!({})).await;
    desk.issue("20260905000004").await;
    for number in ["20260905000003", "20260905000004"] {
        came(&desk, number, 50).await;
    }
    desk
}

async fn numbers(desk: &Desk, arguments: &[&str]) -> Vec<String> {
    let told = desk.json(&[&["stuck", "--json"], arguments].concat()).await;
    let proposals = told["proposals"].as_array().expect("a list").clone();
    let number = |one: serde_json::Value| one["insure_num"].as_str().expect("a number").to_owned();
    proposals.into_iter().map(number).collect()
}

#[tokio::test]
async fn the_longest_stuck_comes_first_and_what_is_young_or_further_on_does_not() {
    let desk = furnished().await;
    assert_eq!(numbers(&desk, &[]).await, ["20260905000005", "20260905000001"]);
    assert_eq!(numbers(&desk, &["--for", "5m"]).await.len(), 3);
    assert_eq!(numbers(&desk, &["--since", "1h"]).await, ["20260905000001"]);
    assert_eq!(numbers(&desk, &["--limit", "1"]).await, ["20260905000005"]);
    assert_eq!(numbers(&desk, &["--step", "insured"]).await, ["20260905000003"]);
    assert_eq!(numbers(&desk, &["--step", "issued"]).await, ["20260905000004"]);
    desk.deliver(9, "20260905000004", json!({})).await;
    let told = desk.xiebao(&["stuck", "--step", "issued"]).await;
    assert_eq!(told.code, 1, "{told:?}");
    desk.deliver(3, "20260905000005", issued("20260905000005")).await;
    assert_eq!(numbers(&desk, &[]).await, ["20260905000001"]);
}

#[tokio::test]
async fn it_says_since_when_what_is_missing_and_what_lies_in_the_way_in_both_languages() {
    let desk = furnished().await;
    desk.deliver(4, "20260905000001", json!({})).await;
    let dead = letter(
        body(3, "20260905000001", json!({})),
        Reason::Incomplete,
        "of a test",
    );
    desk.file_all(&[dead]).await;
    let told = desk.xiebao(&["stuck", "--step", "paid", "--for", "30m"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&[
        "20260905000001",
        "(50 min",
        "no issue notice (3)",
        "u-1",
        "cancellation notice (4)",
        "#1 issue notice (3)",
    ]);
    desk.xiebao(&["stuck", "--lang", "zh"])
        .await
        .says(&["缺出单通知（3）", "（已 50 分钟", "退保通知（4）"]);
    let told = desk.json(&["stuck", "--json"]).await;
    let one = &told["proposals"][1];
    assert_eq!(
        (&one["missing"], &one["held"], &one["dead_letters"][0]["id"]),
        (&json!(3), &json!([4]), &json!(1))
    );
}

#[tokio::test]
async fn a_voided_payment_does_not_count_and_the_status_is_found_through_the_index() {
    let desk = furnished().await;
    let plan = "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() \
                AND table_name = 'proposals' AND index_name = 'proposals_status'";
    assert_eq!(desk.number(plan).await, 2);
    desk.void("20260905000005", 1).await;
    assert_eq!(numbers(&desk, &[]).await, ["20260905000001"]);
}

#[tokio::test]
async fn an_e_policy_that_was_let_go_before_the_issue_hides_no_proposal_that_is_paid() {
    let desk = furnished().await;
    desk.deliver(9, "20260905000001", json!({})).await;
    let told = desk
        .xiebao(&["held", "release", "--proposal", "20260905000001"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    let ready = "SELECT COUNT(*) FROM proposals WHERE status = 'paid' AND e_policy_ready";
    assert_eq!(desk.number(ready).await, 1);
    assert_eq!(numbers(&desk, &[]).await, ["20260905000005", "20260905000001"]);
    assert_eq!(numbers(&desk, &["--step", "issued"]).await, ["20260905000004"]);
}
