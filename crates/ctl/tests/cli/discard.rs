use serde_json::json;
use xiebao_core::reason::Reason;

use crate::cli::{Cli, body};
use crate::platform_stub::{PlatformStub, insured_letters};

#[tokio::test]
async fn a_search_is_discarded_as_a_whole_and_a_dry_run_discards_nothing() {
    let cli = Cli::new().await;
    cli.file_all(&insured_letters(700, "20260907001", Reason::Unreadable))
        .await;
    cli.file_all(&insured_letters(3, "20260907002", Reason::TimedOut))
        .await;
    let discard = async |more: &[&str]| {
        let all = [
            &["--as", "李", "dead", "discard", "--reason", "a test of ours"],
            more,
        ]
        .concat();
        cli.xiebao(&all).await
    };
    assert_eq!(discard(&[]).await.code, 2);
    discard(&["--group", "unreadable", "--dry-run"])
        .await
        .says(&["Would be discarded: 700", "unreadable  700, first"]);
    assert_eq!(cli.letters("status = 'open'").await, 703);
    discard(&["--group", "unreadable"])
        .await
        .says(&["Discarded: 700\n"]);
    assert_eq!(
        cli.letters("status = 'discarded' AND discard_reason = 'a test of ours'")
            .await,
        700
    );
    assert_eq!(discard(&["--group", "unreadable"]).await.code, 1);
    let noted = "SELECT COUNT(DISTINCT dead_letter_id) FROM operations \
                 WHERE action = 'dead.discard' AND actor = '李' AND reason = 'a test of ours'";
    assert_eq!(cli.number(noted).await, 700);
    assert_eq!(cli.number("SELECT COUNT(*) FROM operations").await, 700);
}

#[tokio::test]
async fn what_was_requeued_is_not_discarded_and_what_was_discarded_keeps_its_reason() {
    let stub = PlatformStub::new().await;
    let cli = &stub.cli;
    let gone = cli
        .file(body(1, "20260907003001", json!({})), Reason::ApplyFailed, "x")
        .await;
    let back = cli
        .file(body(1, "20260907003002", json!({})), Reason::ApplyFailed, "x")
        .await;
    assert_eq!(cli.xiebao(&["dead", "requeue", &back]).await.code, 0);
    assert_eq!(
        cli.xiebao(&["dead", "discard", &gone, "--reason", "first"])
            .await
            .code,
        0
    );
    let again = cli
        .xiebao(&["dead", "discard", &gone, "--reason", "second"])
        .await;
    assert_eq!(again.code, 0, "{again:?}");
    again.says(&["was already discarded"]);
    let refused = cli.xiebao(&["dead", "discard", &back, "--reason", "x"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    refused.says(&["was requeued"]);
    assert_eq!(cli.letters("discard_reason = 'first'").await, 1);
    assert_eq!(
        cli.letters("status = 'requeued' AND discard_reason IS NULL")
            .await,
        1
    );
}
