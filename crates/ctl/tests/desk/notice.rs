use serde_json::json;

use crate::desk::Desk;

async fn digest_of(desk: &Desk, number: &str, notify_type: i64) -> String {
    let story = desk.json(&["trace", number, "--json"]).await;
    let applied = story["applied"].as_array().expect("a list").clone();
    let notice = applied.iter().find(|told| told["notify_type"] == notify_type);
    notice
        .and_then(|told| told["digest"].as_str())
        .expect("it is applied")
        .to_owned()
}

#[tokio::test]
async fn a_voided_cancellation_was_never_one_until_it_is_restored() {
    let desk = Desk::new().await;
    let number = "20260908000001";
    desk.issue(number).await;
    desk.deliver(4, number, json!({})).await;
    let digest = digest_of(&desk, number, 4).await;
    let named = [&digest[..10], "--proposal", number];
    let void = [
        &["notice", "void"],
        &named[..],
        &["--reason", "never cancelled", "--as", "ops"],
    ]
    .concat();
    let told = desk.xiebao(&void).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["no longer counts", "Now: issued"]);
    // A copy is still a duplicate.
    desk.deliver(4, number, json!({})).await;
    desk.xiebao(&["trace", number])
        .await
        .says(&["20260908000001   issued", "by ops: never cancelled"]);
    assert_eq!(desk.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    desk.xiebao(&void).await.says(&["was voided before"]);
    let restore = [
        &["notice", "restore"],
        &named[..],
        &["--reason", "it was", "--lang", "zh"],
    ]
    .concat();
    let told = desk.xiebao(&restore).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["已恢复"]);
    desk.xiebao(&["trace", number])
        .await
        .says(&["20260908000001   cancelled"]);
    assert_eq!(desk.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
}

#[tokio::test]
async fn a_voided_reissue_is_forgotten_by_the_new_proposal_and_remembered_when_restored() {
    let desk = Desk::new().await;
    let (old, new) = ("20260908000002", "20260908000003");
    desk.issue(old).await;
    desk.deliver(5, old, json!({ "newInsureNum": new })).await;
    let from = async || desk.json(&["trace", new, "--json"]).await["proposal"]["reissued_from"].clone();
    assert_eq!(from().await, json!(old));
    let digest = digest_of(&desk, old, 5).await;
    let told = desk
        .xiebao(&["notice", "void", &digest, "--reason", "wrong"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(from().await, json!(null));
    assert_eq!(desk.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
    desk.xiebao(&["notice", "restore", &digest, "--reason", "right"])
        .await;
    assert_eq!(from().await, json!(old));
    assert_eq!(desk.xiebao(&["rebuild", "--all", "--check"]).await.code, 0);
}

#[tokio::test]
async fn only_one_applied_notice_can_be_meant_and_there_must_be_a_reason() {
    let desk = Desk::new().await;
    assert_eq!(
        desk.xiebao(&["notice", "void", "abcdef", "--reason", "r"])
            .await
            .code,
        1
    );
    assert_eq!(desk.xiebao(&["notice", "void", "abcdef"]).await.code, 2);
    assert_eq!(
        desk.xiebao(&["notice", "void", "abcdef", "--reason", " "])
            .await
            .code,
        2
    );
    assert_eq!(
        desk.xiebao(&["notice", "void", "abc", "--reason", "r"])
            .await
            .code,
        2
    );
}
