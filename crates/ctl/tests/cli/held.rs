use serde_json::json;

use crate::cli::{Cli, issued, paid};

#[tokio::test]
async fn the_list_says_who_waits_for_what_until_when() {
    let cli = Cli::new().await;
    assert_eq!(cli.xiebao(&["held", "list"]).await.code, 1);
    cli.deliver(3, "20260904000001", issued("20260904000001")).await;
    cli.deliver(9, "20260904000002", json!({})).await;
    let answer = cli.xiebao(&["held", "list"]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&[
        "20260904000001  issue notice (3)     waits for the payment notice (2)",
        "20260904000002  e-policy notice (9)  waits for the issue notice (3)",
        "then applied anyway",
    ]);
    let cut = cli.json(&["held", "list", "--limit", "1", "--json"]).await;
    assert_eq!(
        (cut["held"][0]["insure_num"].as_str(), cut["cut"].as_bool()),
        (Some("20260904000001"), Some(true))
    );
}

#[tokio::test]
async fn a_release_applies_what_waits_and_what_can_follow() {
    let cli = Cli::new().await;
    cli.deliver(2, "20260904000003", paid()).await;
    cli.deliver(3, "20260904000003", issued("20260904000003")).await;
    let held = cli.json(&["held", "list", "--json"]).await;
    let payment = held["held"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|held| held["step"] == "paid");
    let digest = payment
        .and_then(|held| held["digest"].as_str())
        .expect("the payment waits");
    let answer = cli.xiebao(&["held", "release", &digest[..12]]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&[
        "Proposal 20260904000003: released 1 notice; 1 more followed.",
        "Now: issued",
    ]);
    let story = cli.json(&["trace", "20260904000003", "--json"]).await;
    assert_eq!(story["applied"][0]["went"], "by_hand");
    assert_eq!(story["applied"][1]["went"], "in_order");
    let again = cli.xiebao(&["held", "release", &digest[..12]]).await;
    assert_eq!(again.code, 1, "{again:?}");
    // The predecessor that comes after all is taken in, and nothing moves back.
    cli.deliver(1, "20260904000003", json!({})).await;
    cli.xiebao(&["trace", "20260904000003"])
        .await
        .says(&["20260904000003   issued", "have come since"]);
}

#[tokio::test]
async fn a_released_reissue_lets_go_what_waits_in_the_new_proposal() {
    let cli = Cli::new().await;
    let (old, new) = ("20260904000004", "20260904000005");
    cli.deliver(3, new, issued(new)).await;
    cli.deliver(5, old, json!({ "newInsureNum": new })).await;
    let answer = cli.xiebao(&["held", "release", "--proposal", old]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&["released 1 notice.", "Now: cancelled and reissued"]);
    cli.xiebao(&["trace", new]).await.says(&[
        "20260904000005   issued",
        "20260904000004 [cancelled and reissued] →",
    ]);
}

#[tokio::test]
async fn what_does_not_wait_cannot_be_released() {
    let cli = Cli::new().await;
    cli.issue("20260904000006").await;
    assert_eq!(
        cli.xiebao(&["held", "release", "--proposal", "20260904000006"])
            .await
            .code,
        1
    );
    assert_eq!(cli.xiebao(&["held", "release", "abcdef"]).await.code, 1);
    let wild = cli.xiebao(&["held", "release", "abc%"]).await;
    assert_eq!(wild.code, 1);
    assert!(wild.err.contains("No waiting notice: abc%"), "{wild:?}");
    assert_eq!(cli.xiebao(&["held", "release"]).await.code, 2);
}

#[tokio::test]
async fn a_proposals_number_releases_all_that_waits_of_it() {
    let cli = Cli::new().await;
    let number = "20260904000007";
    cli.deliver(3, number, issued(number)).await;
    cli.deliver(9, number, json!({})).await;
    cli.deliver(2, "20260904000008", paid()).await;
    let foreseen = cli.xiebao(&["held", "release", number, "--dry-run"]).await;
    assert_eq!(foreseen.code, 0, "{foreseen:?}");
    foreseen.says(&[
        "Would be released of proposal 20260904000007: 2\n  issue notice (3)     ",
        "\n  e-policy notice (9)  ",
    ]);
    let foreseen = cli
        .xiebao(&["held", "release", number, "--dry-run", "--lang", "zh"])
        .await;
    foreseen.says(&["投保单 20260904000007 将放行 2 条"]);
    let answer = cli.xiebao(&["held", "release", number]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&["Proposal 20260904000007: released 2 notices.", "Now: issued"]);
    let left = cli.json(&["held", "list", "--json"]).await;
    assert_eq!(left["held"].as_array().map(Vec::len), Some(1), "{left}");
    let again = cli.xiebao(&["held", "release", number]).await;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again.err.contains("No waiting notice: 20260904000007"),
        "{again:?}"
    );
}
