use serde_json::json;
use xiebao_core::reason::Reason;

use crate::cli::{Cli, body, issued, paid};
use crate::dead::letter;

/// Minutes before now at which everything of a proposal came.
async fn came(cli: &Cli, number: &str, minutes: u32) {
    let ago = format!("UTC_TIMESTAMP(6) - INTERVAL {minutes} MINUTE");
    cli.execute(&format!(
        "UPDATE notices SET received_at = {ago}, last_received_at = {ago} WHERE insure_num = '{number}'"
    ))
    .await;
}

/// Paid for 50 and for 10 minutes, insured for 50, issued for 50.
async fn furnished() -> Cli {
    let cli = Cli::new().await;
    for (number, minutes) in [
        ("20260905000001", 50),
        ("20260905000002", 10),
        ("20260905000005", 90),
    ] {
        cli.deliver(1, number, json!({})).await;
        cli.deliver(2, number, paid()).await;
        came(&cli, number, minutes).await;
    }
    cli.deliver(1, "20260905000003", json!({})).await;
    cli.issue("20260905000004").await;
    for number in ["20260905000003", "20260905000004"] {
        came(&cli, number, 50).await;
    }
    cli
}

async fn numbers(cli: &Cli, arguments: &[&str]) -> Vec<String> {
    let told = cli.json(&[&["stuck", "--json"], arguments].concat()).await;
    let proposals = told["proposals"].as_array().expect("a list").clone();
    let number = |one: serde_json::Value| one["insure_num"].as_str().expect("a number").to_owned();
    proposals.into_iter().map(number).collect()
}

#[tokio::test]
async fn the_longest_stuck_comes_first_and_what_is_young_or_further_on_does_not() {
    let cli = furnished().await;
    assert_eq!(numbers(&cli, &[]).await, ["20260905000005", "20260905000001"]);
    assert_eq!(numbers(&cli, &["--for", "5m"]).await.len(), 3);
    assert_eq!(numbers(&cli, &["--since", "1h"]).await, ["20260905000001"]);
    assert_eq!(numbers(&cli, &["--limit", "1"]).await, ["20260905000005"]);
    assert_eq!(numbers(&cli, &["--step", "insured"]).await, ["20260905000003"]);
    assert_eq!(numbers(&cli, &["--step", "issued"]).await, ["20260905000004"]);
    cli.deliver(9, "20260905000004", json!({})).await;
    let told = cli.xiebao(&["stuck", "--step", "issued"]).await;
    assert_eq!(told.code, 1, "{told:?}");
    cli.deliver(3, "20260905000005", issued("20260905000005")).await;
    assert_eq!(numbers(&cli, &[]).await, ["20260905000001"]);
}

#[tokio::test]
async fn it_says_since_when_what_is_missing_and_what_lies_in_the_way_in_both_languages() {
    let cli = furnished().await;
    cli.deliver(4, "20260905000001", json!({})).await;
    let dead = letter(
        body(3, "20260905000001", json!({})),
        Reason::Incomplete,
        "of a test",
    );
    cli.file_all(&[dead]).await;
    let told = cli.xiebao(&["stuck", "--step", "paid", "--for", "30m"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&[
        "20260905000001",
        "(50 min",
        "no issue notice (3)",
        "u-1",
        "cancellation notice (4)",
        "#1 issue notice (3)",
    ]);
    cli.xiebao(&["stuck", "--lang", "zh"])
        .await
        .says(&["缺出单通知（3）", "（已 50 分钟", "退保通知（4）"]);
    let told = cli.json(&["stuck", "--json"]).await;
    let one = &told["proposals"][1];
    assert_eq!(
        (&one["missing"], &one["held"], &one["dead_letters"][0]["id"]),
        (&json!(3), &json!([4]), &json!(1))
    );
}

#[tokio::test]
async fn a_voided_payment_does_not_count_and_the_status_is_found_through_the_index() {
    let cli = furnished().await;
    let plan = "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() \
                AND table_name = 'proposals' AND index_name = 'proposals_status'";
    assert_eq!(cli.number(plan).await, 2);
    cli.void("20260905000005", 1).await;
    assert_eq!(numbers(&cli, &[]).await, ["20260905000001"]);
}

#[tokio::test]
async fn an_e_policy_that_was_let_go_before_the_issue_hides_no_proposal_that_is_paid() {
    let cli = furnished().await;
    cli.deliver(9, "20260905000001", json!({})).await;
    let told = cli
        .xiebao(&["held", "release", "--proposal", "20260905000001"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    let ready = "SELECT COUNT(*) FROM proposals WHERE status = 'paid' AND e_policy_ready";
    assert_eq!(cli.number(ready).await, 1);
    assert_eq!(numbers(&cli, &[]).await, ["20260905000005", "20260905000001"]);
    assert_eq!(numbers(&cli, &["--step", "issued"]).await, ["20260905000004"]);
}
