//! Notices and commands that concern pruned proposals.

use serde_json::json;
use xiebao_testkit::post;

use crate::cli::{Cli, body, issued, paid};
use crate::platform_stub::PlatformStub;
use crate::prune::{NEW, OLD, furnished};

#[tokio::test]
async fn a_copy_of_a_pruned_notice_is_a_duplicate_and_a_new_one_a_dead_letter_that_changes_no_row() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[]).await;
    let receiver = stub.receiver().await;
    let cli = &stub.cli;
    cli.issue(OLD).await;
    cli.age("2020%", 4).await;
    cli.prune(&[]).await;
    let rows = "SELECT CAST(COALESCE(SUM(CRC32(CONCAT_WS('|', insure_num, status, e_policy_ready))), 0) AS SIGNED) \
                + (SELECT COUNT(*) FROM payments) * 1000 + (SELECT COUNT(*) FROM insured_persons WHERE NOT cancelled) \
                FROM proposals";
    let before = cli.number(rows).await;
    assert_eq!(
        post(&receiver.url, body(2, OLD, paid())).await.verdict(),
        "accepted"
    );
    stub.until("SELECT deliveries FROM notices WHERE notify_type = 2", 2)
        .await;
    assert_eq!(
        post(&receiver.url, body(4, OLD, json!({}))).await.verdict(),
        "accepted"
    );
    stub.until(
        "SELECT COUNT(*) FROM dead_letters WHERE reason = 'pruned' AND status = 'open'",
        1,
    )
    .await;
    assert_eq!(cli.number(rows).await, before);
    assert_eq!(
        cli.number("SELECT COUNT(*) FROM notices WHERE pruned_at IS NULL")
            .await,
        0
    );
    let id = cli.number("SELECT id FROM dead_letters").await.to_string();
    let told = cli.xiebao(&["dead", "show", &id, "--lang", "zh"]).await;
    told.says(&[
        "该投保单先前通知的报文已清空",
        "需由人工录入贵方系统",
        "\"notifyType\": ",
    ]);
    let told = cli.xiebao(&["trace", OLD]).await;
    told.says(&[
        "issued",
        "1 open dead letter",
        "Pruned: their bodies are gone",
        "payment notice (2)",
        "came twice",
        "李四, 王五",
        "¥857.64",
    ]);
}

#[tokio::test]
async fn rebuild_and_void_leave_a_pruned_proposal_alone_and_say_so() {
    let cli = furnished().await;
    cli.prune(&[]).await;
    let damage = "UPDATE payments SET price_fen = 1 WHERE insure_num = '20200905000001'";
    cli.execute(damage).await;
    for arguments in [&["rebuild", "--all", "--check"][..], &["rebuild", "--all"]] {
        let told = cli.xiebao(arguments).await;
        assert_eq!(told.code, 0, "{told:?}");
        told.says(&[
            "2 proposals left alone",
            "20200905000001, 20200905000002",
            "1 proposals compared",
        ]);
    }
    assert_eq!(
        cli.number("SELECT price_fen FROM payments WHERE insure_num = '20200905000001'")
            .await,
        1
    );
    assert_eq!(cli.number("SELECT COUNT(*) FROM reissue_links").await, 1);
    let told = cli.xiebao(&["rebuild", "--proposal", OLD, "--lang", "zh"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["保持原样，其通知的报文已清空"]);
    let digest = cli.json(&["trace", OLD, "--json"]).await["pruned"][1]["digest"].clone();
    let digest = digest.as_str().expect("a digest");
    let told = cli
        .xiebao(&["notice", "void", digest, "--proposal", OLD, "--reason", "wrong"])
        .await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&["was pruned", "Nothing was changed"]);
    assert_eq!(
        cli.number("SELECT COUNT(*) FROM operations WHERE action = 'notice.void'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_proposal_whose_predecessor_was_pruned_keeps_the_link_to_it() {
    let cli = Cli::new().await;
    cli.issue(OLD).await;
    cli.deliver(5, OLD, json!({ "newInsureNum": NEW })).await;
    cli.age("2020%", 4).await;
    cli.deliver(3, NEW, issued(NEW)).await;
    cli.prune(&[]).await;
    assert_eq!(cli.pruned().await, 4);
    let told = cli.xiebao(&["rebuild", "--all"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["the rows agree with the notices"]);
    assert_eq!(cli.number("SELECT COUNT(*) FROM reissue_links").await, 1);
    cli.xiebao(&["trace", OLD])
        .await
        .says(&["20200905000001 [this one] → 20260905000001 [issued]"]);
    cli.xiebao(&["trace", NEW])
        .await
        .says(&["20200905000001 [cancelled and reissued]"]);
}

#[tokio::test]
async fn a_link_that_is_told_to_a_pruned_proposal_changes_that_column_alone() {
    let cli = Cli::new().await;
    cli.issue(OLD).await;
    cli.age("2020%", 4).await;
    cli.prune(&[]).await;
    cli.issue(NEW).await;
    cli.deliver(5, NEW, json!({ "newInsureNum": OLD })).await;
    let linked = "SELECT COUNT(*) FROM proposals WHERE insure_num = '20200905000001' AND status = 'issued' \
                  AND case_code = 'QX1' AND reissued_from = '20260905000001'";
    assert_eq!(cli.number(linked).await, 1);
    let digest = "SELECT COUNT(*) FROM reissue_links WHERE insure_num = '20200905000001'";
    assert_eq!(cli.number(digest).await, 1);
}

#[tokio::test]
async fn ignored_notices_are_pruned_too_and_a_copy_is_applied_once_its_type_is_subscribed() {
    let cli = Cli::new().await;
    let ignored = "UPDATE notices SET outcome = 'ignored', seq = NULL, applied_at = NULL";
    cli.deliver(27, OLD, json!({ "failMsg": "f" })).await;
    cli.deliver(1, NEW, json!({})).await;
    cli.execute(ignored).await;
    cli.execute("DELETE FROM abnormalities").await;
    cli.execute("DELETE FROM proposals").await;
    cli.execute("UPDATE notices SET insure_num = '' WHERE notify_type = 1")
        .await;
    cli.age("%", 4).await;
    let told = cli.prune(&[]).await;
    assert_eq!(
        (&told["notices"], &told["proposals"]),
        (&json!(2), &json!(1)),
        "{told:#}"
    );
    let told = cli.xiebao(&["reprocess", "--type", "27"]).await;
    told.says(&["1 left ignored, because their bodies were pruned"]);
    cli.xiebao(&["trace", OLD])
        .await
        .says(&["because of its age (xiebao prune)"]);
    // Within the window, by the times that were kept.
    cli.execute("UPDATE notices SET received_at = UTC_TIMESTAMP(6), last_received_at = UTC_TIMESTAMP(6)")
        .await;
    cli.deliver(27, OLD, json!({ "failMsg": "f" })).await;
    let whole = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied' AND raw <> '' AND pruned_at IS NULL AND deliveries = 2";
    assert_eq!(cli.number(whole).await, 1);
    assert_eq!(cli.number("SELECT COUNT(*) FROM abnormalities").await, 1);
}

#[tokio::test]
async fn a_row_that_has_its_body_is_whole_whatever_an_older_release_left_beside_it() {
    let cli = Cli::new().await;
    cli.issue(OLD).await;
    cli.age("2020%", 4).await;
    cli.execute("CREATE TABLE kept AS SELECT insure_num, notify_type, digest, raw FROM notices")
        .await;
    let put_back = "UPDATE notices n JOIN kept k USING (insure_num, notify_type, digest) SET n.raw = k.raw";
    for _ in 0..2 {
        assert_eq!(cli.prune(&[]).await["notices"], json!(3));
        cli.execute(put_back).await;
    }
    // As the notice has it.
    cli.execute("UPDATE policies SET end_date = NULL").await;
    let told = cli.xiebao(&["rebuild", "--all", "--check"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.says(&["1 proposals compared"]);
    cli.deliver(4, OLD, json!({})).await;
    let cancelled = "SELECT COUNT(*) FROM proposals WHERE status = 'cancelled'";
    assert_eq!(cli.number(cancelled).await, 1);
    let story = cli.json(&["trace", OLD, "--json"]).await;
    assert_eq!(story["applied"].as_array().map(Vec::len), Some(4), "{story:#}");
    assert_eq!(story["pruned"], json!(null));
}

#[tokio::test]
async fn a_link_that_is_told_to_a_pruned_proposal_without_a_counted_notice_makes_its_row() {
    let cli = Cli::new().await;
    cli.deliver(1, OLD, json!({})).await;
    let digest = cli.json(&["trace", OLD, "--json"]).await["applied"][0]["digest"].clone();
    let digest = digest.as_str().expect("a digest");
    let told = cli.xiebao(&["notice", "void", digest, "--reason", "wrong"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    cli.age("2020%", 4).await;
    assert_eq!(cli.prune(&[]).await["proposals"], json!(1));
    assert_eq!(cli.number("SELECT COUNT(*) FROM proposals").await, 0);
    cli.issue(NEW).await;
    cli.deliver(5, NEW, json!({ "newInsureNum": OLD })).await;
    let linked = "SELECT COUNT(*) FROM proposals WHERE insure_num = '20200905000001' AND status IS NULL \
                  AND reissued_from = '20260905000001'";
    assert_eq!(cli.number(linked).await, 1);
    cli.deliver(1, OLD, json!({})).await;
    assert_eq!(
        cli.number("SELECT deliveries FROM notices WHERE raw = ''").await,
        2
    );
}

#[tokio::test]
async fn a_copy_brings_a_pruned_ignored_notice_its_body_back_and_an_applied_one_none() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[("XIEBAO__SUBSCRIBED", "1,3")]).await;
    let receiver = stub.receiver().await;
    let cli = &stub.cli;
    let ignored = || body(27, OLD, json!({ "failMsg": "f" }));
    cli.issue("20200905000002").await;
    assert_eq!(post(&receiver.url, ignored()).await.verdict(), "accepted");
    stub.until("SELECT COUNT(*) FROM notices WHERE outcome = 'ignored'", 1)
        .await;
    cli.age("2020%", 4).await;
    assert_eq!(cli.prune(&[]).await["notices"], json!(4));
    for copy in [ignored(), body(2, "20200905000002", paid())] {
        assert_eq!(post(&receiver.url, copy).await.verdict(), "accepted");
    }
    stub.until("SELECT COUNT(*) FROM notices WHERE deliveries = 2", 2)
        .await;
    let whole = "SELECT COUNT(*) FROM notices WHERE outcome = 'ignored' AND raw <> '' AND pruned_at IS NULL";
    assert_eq!(cli.number(whole).await, 1);
    assert_eq!(cli.pruned().await, 3);
    let told = cli.xiebao(&["reprocess", "--type", "27"]).await;
    told.says(&["1 applied, 0 waiting, 0 became dead letters"]);
    assert_eq!(cli.number("SELECT COUNT(*) FROM abnormalities").await, 1);
}
