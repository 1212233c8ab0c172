use diesel_async::RunQueryDsl as _;
use serde_json::json;

use crate::cli::Cli;

/// Makes what is applied of that type look as if it had been ignored when it came.
async fn ignore(cli: &Cli, number: &str, notify_type: i64) {
    let mut conn = cli.connect().await;
    for statement in [
        format!(
            "UPDATE notices SET outcome = 'ignored', seq = NULL, applied_at = NULL, deliveries = 3 \
             WHERE insure_num = '{number}' AND notify_type = {notify_type}"
        ),
        format!("DELETE FROM abnormalities WHERE insure_num = '{number}'"),
        format!("UPDATE proposals SET abnormal = FALSE WHERE insure_num = '{number}'"),
    ] {
        diesel::sql_query(&statement)
            .execute(&mut conn)
            .await
            .expect(&statement);
    }
}

#[tokio::test]
async fn what_was_ignored_is_applied_once_and_keeps_its_receipts() {
    let cli = Cli::new().await;
    let number = "20260909000001";
    cli.issue(number).await;
    cli.deliver(27, number, json!({ "failMsg": "f" })).await;
    ignore(&cli, number, 27).await;
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    let dry = cli.xiebao(&["reprocess", "--type", "27", "--dry-run"]).await;
    assert_eq!(dry.code, 0, "{dry:?}");
    dry.says(&["Ignored notices of that type: 1. Nothing was changed."]);
    let done = cli.xiebao(&["reprocess", "--type", "27"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    done.says(&["1 applied, 0 waiting, 0 became dead letters"]);
    let story = cli.json(&["trace", number, "--json"]).await;
    assert_eq!(story["applied"][3]["received"]["count"], json!(3), "{story:#}");
    assert_eq!(story["proposal"]["abnormal"], json!(true));
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    cli.xiebao(&["reprocess", "--type", "27", "--lang", "zh"])
        .await
        .says(&["已处理 0 条"]);
}

#[tokio::test]
async fn what_cannot_be_applied_becomes_a_dead_letter() {
    let cli = Cli::new().await;
    let number = "20260909000002";
    cli.deliver(27, number, json!({})).await;
    ignore(&cli, number, 27).await;
    let mut conn = cli.connect().await;
    for statement in [
        "DELETE FROM proposals",
        "UPDATE notices SET insure_num = '', raw = REPLACE(raw, '\"insureNum\":\"20260909000002\"', '\"x\":1')",
    ] {
        diesel::sql_query(statement)
            .execute(&mut conn)
            .await
            .expect(statement);
    }
    let done = cli.xiebao(&["reprocess", "--type", "27"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    done.says(&["0 applied, 0 waiting, 1 became dead letters"]);
    let dead = cli.json(&["dead", "list", "--json"]).await;
    assert_eq!(dead["letters"][0]["reason"], json!("incomplete"), "{dead:#}");
    let id = dead["letters"][0]["id"].to_string();
    let shown = cli.json(&["dead", "show", &id, "--json"]).await;
    let failures = shown["failures"].as_array().map_or(0, Vec::len);
    assert_eq!(failures, 1, "{shown:#}");
    cli.xiebao(&["reprocess", "--type", "27"])
        .await
        .says(&["0 applied, 0 waiting, 0 became"]);
}

#[tokio::test]
async fn one_proposal_that_cannot_be_read_is_told_and_the_others_are_taken_in() {
    let cli = Cli::new().await;
    let (bad, good) = ("20260909000003", "20260909000004");
    for number in [bad, good] {
        cli.issue(number).await;
        cli.deliver(27, number, json!({ "failMsg": "f" })).await;
        ignore(&cli, number, 27).await;
    }
    let mut conn = cli.connect().await;
    let damage = format!("UPDATE notices SET raw = 'x' WHERE insure_num = '{bad}' AND notify_type = 3");
    diesel::sql_query(&damage)
        .execute(&mut conn)
        .await
        .expect(&damage);
    let done = cli.xiebao(&["reprocess", "--type", "27"]).await;
    assert_eq!(done.code, 1, "{done:?}");
    done.says(&[
        "1 applied, 0 waiting, 0 became",
        "1 passed over",
        "notices, key 20260909000003/3/",
    ]);
    cli.xiebao(&["operations", "--action", "reprocess"])
        .await
        .says(&["1 applied, 0 held, 0 dead"]);
}

#[tokio::test]
async fn a_type_that_is_not_subscribed_or_not_documented_is_a_usage_error() {
    let cli = Cli::new().await;
    let unknown = cli.xiebao(&["reprocess", "--type", "99"]).await;
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("not documented"), "{unknown:?}");
    let settings = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(settings.path(), "subscribed = [1, 2, 3]\n").expect("it can be written");
    let path = settings.path().to_string_lossy().into_owned();
    let told = cli
        .xiebao(&["--config", &path, "reprocess", "--type", "27"])
        .await;
    assert_eq!(told.code, 2);
    assert!(told.err.contains("add it to the configuration"), "{told:?}");
}
