use std::time::{Duration, Instant};

use serde_json::json;
use xiebao_core::reason::Reason;

use crate::cli::{Cli, body, issued, paid};
use crate::dead::letter;

pub const OLD: &str = "20200905000001";
pub const NEW: &str = "20260905000001";

impl Cli {
    /// As if all that is stored of these proposals had come and been done that many years ago.
    pub async fn age(&self, proposals: &str, years: u32) {
        let ago = |column: &str| format!("{column} = {column} - INTERVAL {years} YEAR");
        let columns = ["received_at", "last_received_at", "applied_at"]
            .map(ago)
            .join(", ");
        self.execute(&format!(
            "UPDATE notices SET {columns} WHERE insure_num LIKE '{proposals}'"
        ))
        .await;
        let columns = ["first_dead_at", "last_dead_at"].map(ago).join(", ");
        self.execute(&format!(
            "UPDATE dead_letters SET {columns} WHERE insure_num LIKE '{proposals}'"
        ))
        .await;
        self.execute(&format!(
            "UPDATE operations SET {} WHERE insure_num LIKE '{proposals}'",
            ago("at")
        ))
        .await;
        self.execute(&format!(
            "UPDATE policies SET end_date = UTC_DATE() - INTERVAL {years} YEAR WHERE insure_num LIKE '{proposals}'"
        ))
        .await;
    }

    pub async fn pruned(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM notices WHERE pruned_at IS NOT NULL AND raw = ''")
            .await
    }

    pub async fn prune(&self, more: &[&str]) -> serde_json::Value {
        self.json(&[&["prune", "--older-than", "3y", "--json"], more].concat())
            .await
    }
}

/// An old proposal with everything, whose successor is old too, and a young one.
pub async fn furnished() -> Cli {
    let cli = Cli::new().await;
    cli.issue(OLD).await;
    cli.deliver(26, OLD, json!({ "status": 1, "remark": "r" })).await;
    cli.deliver(9, OLD, json!({})).await;
    cli.deliver(5, OLD, json!({ "newInsureNum": "20200905000002" }))
        .await;
    cli.deliver(3, "20200905000002", issued("20200905000002")).await;
    cli.age("2020%", 4).await;
    cli.issue(NEW).await;
    cli
}

#[tokio::test]
async fn what_is_old_and_settled_loses_its_bodies_and_nothing_else() {
    let cli = furnished().await;
    let rows = "SELECT CAST(COALESCE(SUM(CRC32(CONCAT_WS('|', insure_num, notify_type, digest, outcome, seq, \
                deliveries, received_at, applied_at))), 0) AS SIGNED) FROM notices";
    let before = cli.number(rows).await;
    let told = cli.prune(&["--dry-run"]).await;
    assert_eq!(
        (&told["proposals"], &told["notices"]),
        (&json!(2), &json!(7)),
        "{told:#}"
    );
    assert_eq!(cli.pruned().await, 0);
    let done = cli.prune(&["--as", "ops"]).await;
    for count in [
        "looked_at",
        "proposals",
        "notices",
        "bytes",
        "letters",
        "complete",
    ] {
        assert_eq!(done[count], told[count], "{count}");
    }
    assert_eq!(cli.pruned().await, 7);
    assert_eq!(cli.number(rows).await, before);
    assert_eq!(
        cli.number("SELECT COUNT(*) FROM notices WHERE raw <> ''").await,
        3
    );
    cli.xiebao(&["operations", "--action", "prune"]).await.says(&[
        "ops",
        "pruned",
        "7 notices of 2 proposals, 0 dead letters",
    ]);
    let again = cli.prune(&[]).await;
    assert_eq!((&again["notices"], &again["complete"]), (&json!(0), &json!(true)));
    assert_eq!(
        cli.number("SELECT COUNT(*) FROM operations WHERE action = 'prune'")
            .await,
        1
    );
}

#[tokio::test]
async fn what_waits_is_open_in_force_or_was_touched_since_is_left_whole() {
    let cli = Cli::new().await;
    for number in [
        "20200905000001",
        "20200905000002",
        "20200905000003",
        "20200905000004",
        "20200905000005",
        "20200905000006",
        "20200905000007",
    ] {
        cli.issue(number).await;
    }
    let stranger = json!({ "cancelInsurants": ["无名"] });
    cli.deliver(4, "20200905000007", stranger).await;
    cli.deliver(2, "20200905000009", paid()).await;
    cli.file_all(&[letter(
        body(4, "20200905000002", json!({})),
        Reason::TimedOut,
        "of a test",
    )])
    .await;
    cli.age("2020%", 4).await;
    cli.execute("UPDATE policies SET end_date = '2126-01-01' WHERE insure_num = '20200905000003'")
        .await;
    cli.execute(
        "UPDATE policies SET end_date = '2126-01-01', cancelled = TRUE WHERE insure_num = '20200905000004'",
    )
    .await;
    // Cover without an end.
    cli.execute("UPDATE policies SET end_date = NULL WHERE insure_num = '20200905000006'")
        .await;
    cli.void("20200905000005", 0).await;
    let told = cli.prune(&[]).await;
    let counts = ["proposals", "unsettled", "in_force", "busy"].map(|count| told[count].as_i64());
    assert_eq!(counts, [Some(2), Some(3), Some(2), Some(0)], "{told:#}");
    let whole = "SELECT COUNT(DISTINCT insure_num) FROM notices WHERE pruned_at IS NULL";
    assert_eq!(cli.number(whole).await, 6);
    let told = cli.xiebao(&["prune", "--older-than", "3y", "--lang", "zh"]).await;
    told.says(&[
        "0 个投保单的 0 条通知",
        "3 个投保单保持原样：有未办结",
        "2 个投保单保持原样：有保单",
    ]);
}

#[tokio::test]
async fn a_proposal_that_a_worker_is_busy_with_is_passed_over_at_once() {
    let cli = furnished().await;
    let mut conn = cli.connect().await;
    for statement in [
        "BEGIN",
        "SELECT 1 FROM proposal_locks WHERE insure_num = '20200905000001' FOR UPDATE",
    ] {
        diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, statement)
            .await
            .expect(statement);
    }
    let begun = Instant::now();
    let told = cli.prune(&[]).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited for the lock");
    assert_eq!(
        (&told["busy"], &told["proposals"]),
        (&json!(1), &json!(1)),
        "{told:#}"
    );
    drop(conn);
    // One that has no lock, after a restore without them say, is nobody's.
    cli.execute("DELETE FROM proposal_locks WHERE insure_num = '20200905000001'")
        .await;
    let told = cli.prune(&[]).await;
    assert_eq!(
        (&told["busy"], &told["proposals"]),
        (&json!(0), &json!(1)),
        "{told:#}"
    );
}

#[tokio::test]
async fn it_may_be_interrupted_and_leaves_each_proposal_whole_or_pruned() {
    let cli = Cli::new().await;
    for n in 0..30 {
        cli.issue(&format!("20200905{n:06}")).await;
    }
    cli.age("2020%", 4).await;
    let slowly = ["prune", "--older-than", "3y", "--batch", "1", "--pause", "200ms"];
    for signal in ["INT", "KILL"] {
        let before = cli.pruned().await;
        let running = cli.start(&slowly).await;
        let begun = Instant::now();
        while cli.pruned().await < before + 6 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does nothing");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        running.signal(signal).await;
        let told = running.ended().await;
        if signal == "INT" {
            assert_eq!(told.code, 1, "{told:?}");
            told.says(&["Interrupted"]);
        }
        let now = cli.pruned().await;
        assert!(now % 3 == 0 && now < 90, "{now}");
    }
    assert_eq!(cli.prune(&[]).await["complete"], json!(true));
    assert_eq!(cli.pruned().await, 90);
    let noted = "SELECT CAST(SUM(REGEXP_SUBSTR(REGEXP_SUBSTR(detail, '[0-9]+ notices'), '[0-9]+')) AS SIGNED) \
                 FROM operations WHERE action = 'prune'";
    assert_eq!(cli.number(noted).await, 90);
}

#[tokio::test]
async fn closed_dead_letters_lose_their_bodies_and_get_them_back_with_a_copy() {
    let cli = Cli::new().await;
    let of = |number: &str| letter(body(4, number, json!({})), Reason::TimedOut, "of a test");
    let letters = [of("20200905000001"), of("20200905000002"), of("20260905000003")];
    cli.file_all(&letters).await;
    cli.execute("UPDATE dead_letters SET status = 'discarded' WHERE insure_num <> '20200905000002'")
        .await;
    cli.age("2020%", 4).await;
    assert_eq!(cli.prune(&["--dry-run"]).await["letters"], json!(1));
    assert_eq!(cli.prune(&[]).await["letters"], json!(1));
    let emptied = "body = '' AND pruned_at IS NOT NULL";
    assert_eq!(cli.letters(emptied).await, 1);
    assert_eq!(
        cli.letters(&format!("{emptied} AND insure_num = '20200905000001'"))
            .await,
        1
    );
    let id = cli
        .number("SELECT id FROM dead_letters WHERE body = ''")
        .await
        .to_string();
    cli.xiebao(&["dead", "show", &id])
        .await
        .says(&["because of its age (xiebao prune)"]);
    let told = cli.xiebao(&["dead", "requeue", &id]).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&["was emptied because of its age"]);
    cli.file_all(&letters).await;
    assert_eq!(cli.letters("body = '' OR pruned_at IS NOT NULL").await, 0);
    // An older release leaves this mark on a letter that was filed again and so has its body.
    cli.execute("UPDATE dead_letters SET pruned_at = UTC_TIMESTAMP(6)")
        .await;
    let told = cli.xiebao(&["dead", "show", &id]).await;
    told.says(&["\"notifyType\": "]);
    assert!(!told.out.contains("because of its age"), "{told:?}");
    cli.age("2020%", 4).await;
    assert_eq!(cli.prune(&[]).await["letters"], json!(1));
}

#[tokio::test]
async fn nothing_younger_than_a_month_is_ever_emptied() {
    let cli = Cli::new().await;
    for age in ["3m", "29d", "0s"] {
        let told = cli.xiebao(&["prune", "--older-than", age]).await;
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("is less than 30 d"), "{told:?}");
    }
    assert_eq!(cli.xiebao(&["prune"]).await.code, 2);
}
