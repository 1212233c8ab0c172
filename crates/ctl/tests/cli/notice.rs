use serde_json::json;

use crate::cli::Cli;

async fn digest_of(cli: &Cli, number: &str, notify_type: i64) -> String {
    let story = cli.json(&["trace", number, "--json"]).await;
    let applied = story["applied"].as_array().expect("a list").clone();
    let notice = applied.iter().find(|told| told["notify_type"] == notify_type);
    notice
        .and_then(|told| told["digest"].as_str())
        .expect("it is applied")
        .to_owned()
}

#[tokio::test]
async fn a_voided_cancellation_was_never_one_until_it_is_restored() {
    let cli = Cli::new().await;
    let number = "20260908000001";
    cli.issue(number).await;
    cli.deliver(4, number, json!({})).await;
    let digest = digest_of(&cli, number, 4).await;
    let named = [&digest[..10], "--proposal", number];
    let void = [
        &["notice", "void"],
        &named[..],
        &["--reason", "never cancelled", "--as", "ops"],
    ]
    .concat();
    let told = cli.xiebao(&void).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["no longer counts", "Now: issued"]);
    // A copy is still a duplicate.
    cli.deliver(4, number, json!({})).await;
    cli.xiebao(&["trace", number])
        .await
        .says(&["20260908000001   issued", "by ops: never cancelled"]);
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    cli.xiebao(&void).await.says(&["was already voided"]);
    let restore = [
        &["notice", "restore"],
        &named[..],
        &["--reason", "it was", "--lang", "zh"],
    ]
    .concat();
    let told = cli.xiebao(&restore).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["已恢复"]);
    cli.xiebao(&["trace", number])
        .await
        .says(&["20260908000001   cancelled"]);
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
}

#[tokio::test]
async fn a_voided_reissue_is_forgotten_by_the_new_proposal_and_remembered_when_restored() {
    let cli = Cli::new().await;
    let (old, new) = ("20260908000002", "20260908000003");
    cli.issue(old).await;
    cli.deliver(5, old, json!({ "newInsureNum": new })).await;
    let from = async || cli.json(&["trace", new, "--json"]).await["proposal"]["reissued_from"].clone();
    assert_eq!(from().await, json!(old));
    let digest = digest_of(&cli, old, 5).await;
    let told = cli
        .xiebao(&["notice", "void", &digest, "--reason", "wrong"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(from().await, json!(null));
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    cli.xiebao(&["notice", "restore", &digest, "--reason", "right"])
        .await;
    assert_eq!(from().await, json!(old));
    assert_eq!(cli.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
}

#[tokio::test]
async fn only_one_applied_notice_can_be_meant_and_there_must_be_a_reason() {
    let cli = Cli::new().await;
    assert_eq!(
        cli.xiebao(&["notice", "void", "abcdef", "--reason", "r"])
            .await
            .code,
        1
    );
    assert_eq!(cli.xiebao(&["notice", "void", "abcdef"]).await.code, 2);
    assert_eq!(
        cli.xiebao(&["notice", "void", "abcdef", "--reason", " "])
            .await
            .code,
        2
    );
    assert_eq!(
        cli.xiebao(&["notice", "void", "abc", "--reason", "r"]).await.code,
        2
    );
}
