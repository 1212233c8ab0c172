use serde_json::json;

use crate::cli::{Cli, issued, paid};

#[tokio::test]
async fn a_stored_proposal_is_told_in_both_languages_and_as_json() {
    let cli = Cli::new().await;
    cli.deliver(1, "20260901000001", json!({})).await;
    cli.deliver(3, "20260901000001", issued("20260901000001")).await;
    let english = cli.xiebao(&["trace", "20260901000001"]).await;
    assert_eq!(english.code, 0, "{english:?}");
    english.says(&[
        "insured; not paid yet",
        "waits for the payment notice (2)",
        "no payment notice (2) has come",
    ]);
    let chinese = cli.xiebao(&["trace", "20260901000001", "--lang", "zh"]).await;
    chinese.says(&["已投保，等待支付", "在等支付通知（2）", "支付通知（2）还没有来"]);
    let json = cli.json(&["trace", "20260901000001", "--json"]).await;
    assert_eq!(json["proposal"]["status"], "insured");
    assert_eq!(json["held"][0]["waits_for"], json!(["paid"]));
    cli.deliver(2, "20260901000001", paid()).await;
    let issued = cli.xiebao(&["trace", "20260901000001"]).await;
    issued.says(&[
        "20260901000001   issued",
        "P-20260901000001",
        "insured: 李四, 王五",
        "waited",
    ]);
}

#[tokio::test]
async fn an_unknown_number_is_answered_with_where_to_look() {
    let cli = Cli::new().await;
    let answer = cli.xiebao(&["trace", "20260901000009"]).await;
    assert_eq!(answer.code, 1);
    answer.says(&[
        "Nothing is known about proposal 20260901000009",
        "xiebao find",
        "xiebao dead list",
    ]);
}

#[tokio::test]
async fn reissues_are_followed_even_in_a_circle() {
    let cli = Cli::new().await;
    let (a, b, c) = ("20260902000001", "20260902000002", "20260902000003");
    for (from, to) in [(a, b), (b, c), (c, a)] {
        cli.issue(from).await;
        cli.deliver(5, from, json!({ "newInsureNum": to })).await;
    }
    let answer = cli.xiebao(&["trace", a]).await;
    answer.says(&[
        "20260902000001 [this one] → 20260902000002 [cancelled and reissued]",
        "20260902000002 [cancelled and reissued] → 20260902000003 [cancelled and reissued]",
        "20260902000003 [cancelled and reissued] → 20260902000001 [this one]",
        "replace each other in a circle",
        "xiebao trace 20260902000003",
    ]);
}

#[tokio::test]
async fn without_a_database_the_exit_code_is_3_and_without_a_schema_2() {
    let cli = Cli::unmigrated().await;
    let unmigrated = cli.xiebao(&["trace", "1"]).await;
    assert_eq!(unmigrated.code, 2, "{unmigrated:?}");
    assert!(unmigrated.err.contains("xiebao migrate"), "{unmigrated:?}");
    let away = tokio::process::Command::new(env!("CARGO_BIN_EXE_xiebao"))
        .args(["trace", "1"])
        .env("XIEBAO__DATABASE__URL", "mysql://nobody:secret@127.0.0.1:1/x")
        .output()
        .await
        .expect("the program runs");
    assert_eq!(away.status.code(), Some(3), "{away:?}");
    let said = String::from_utf8_lossy(&away.stderr);
    assert!(said.contains("127.0.0.1:1") && !said.contains("secret"), "{said}");
}
