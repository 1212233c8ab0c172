use serde_json::json;
use xiebao_core::reason::Reason;

use crate::cli::{Cli, body, issued, paid};

#[tokio::test]
async fn who_did_what_when_is_kept_and_listed() {
    let cli = Cli::new().await;
    assert_eq!(cli.xiebao(&["operations"]).await.code, 1);
    let number = "20260908000001";
    cli.deliver(2, number, paid()).await;
    cli.deliver(3, number, issued(number)).await;
    let released = cli
        .xiebao(&["--as", "张", "held", "release", "--proposal", number])
        .await;
    assert_eq!(released.code, 0, "{released:?}");
    let id = cli
        .file(body(9, number, json!({})), Reason::ApplyFailed, "x")
        .await;
    let discarded = ["--as", "李", "dead", "discard", &id, "--reason", "came again"];
    assert_eq!(cli.xiebao(&discarded).await.code, 0);
    let all = cli.json(&["operations", "--json"]).await;
    let told: Vec<_> = all["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|deed| {
            (
                deed["actor"].as_str(),
                deed["action"].as_str(),
                deed["notify_type"].as_i64(),
            )
        })
        .collect();
    assert_eq!(told[0], (Some("李"), Some("dead.discard"), Some(9)));
    assert_eq!(told.last(), Some(&(Some("张"), Some("held.release"), Some(2))));
    let list = cli.xiebao(&["operations"]).await;
    list.says(&[
        "李",
        number,
        "discarded dead letter #",
        "came again",
        "released payment notice (2)",
    ]);
    let filters: [(&[&str], i32); 8] = [
        (&["--by", "李"], 0),
        (&["--by", "王"], 1),
        (&["--action", "held.release"], 0),
        (&["--action", "rebuild"], 1),
        (&["--dead", &id], 0),
        (&["--proposal", "20260908000002"], 1),
        (&["--since", "1h", "--proposal", number], 0),
        (&["--until", "1h"], 1),
    ];
    for (filter, code) in filters {
        let answer = cli.xiebao(&[&["operations"], filter].concat()).await;
        assert_eq!(answer.code, code, "{filter:?}: {answer:?}");
    }
    let cut = cli.xiebao(&["operations", "--limit", "1"]).await;
    cut.says(&["Only the first 1 are listed"]);
    for page in [
        cli.xiebao(&["trace", number]).await,
        cli.xiebao(&["dead", "show", &id]).await,
    ] {
        page.says(&["Operations", "李  discarded dead letter #", "came again"]);
    }
}

#[tokio::test]
async fn a_release_of_nothing_is_no_deed() {
    let cli = Cli::new().await;
    cli.issue("20260908000003").await;
    assert_eq!(
        cli.xiebao(&["held", "release", "--proposal", "20260908000003"])
            .await
            .code,
        1
    );
    assert_eq!(cli.number("SELECT COUNT(*) FROM operations").await, 0);
}

#[tokio::test]
async fn the_attempts_at_a_dead_letter_are_shown_with_who_made_them() {
    let cli = Cli::new().await;
    let id = cli
        .file(body(1, "20260908000004", json!({})), Reason::ApplyFailed, "x")
        .await;
    cli.execute(
        "INSERT INTO dead_letter_attempts (digest, at, worker, error) \
         SELECT digest, '2026-07-23 01:15:02.5', 'host-a:7', 'the table is gone' FROM dead_letters",
    )
    .await;
    let shown = cli.xiebao(&["dead", "show", &id]).await;
    shown.says(&[
        "failed attempts",
        "2026-07-23 09:15:02  host-a:7  the table is gone",
    ]);
    let json = cli.json(&["dead", "show", &id, "--json"]).await;
    assert_eq!(json["failures"][0]["worker"], "host-a:7");
}
