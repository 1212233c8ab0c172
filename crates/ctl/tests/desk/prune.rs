use std::time::{Duration, Instant};

use serde_json::json;
use xiebao_core::reason::Reason;

use crate::dead::letter;
use crate::desk::{Desk, body, issued, paid};

pub const OLD: &str = "20200905000001";
pub const NEW: &str = "20260905000001";

impl Desk {
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
pub async fn furnished() -> Desk {
    let desk = Desk::new().await;
    desk.issue(OLD).await;
    desk.deliver(26, OLD, json!({ "status": 1, "remark": "r" })).await;
    desk.deliver(9, OLD, json!({})).await;
    desk.deliver(5, OLD, json!({ "newInsureNum": "20200905000002" }))
        .await;
    desk.deliver(3, "20200905000002", issued("20200905000002")).await;
    desk.age("2020%", 4).await;
    desk.issue(NEW).await;
    desk
}

#[tokio::test]
async fn what_is_old_and_settled_loses_its_bodies_and_nothing_else() {
    let desk = furnished().await;
    let rows = "SELECT CAST(COALESCE(SUM(CRC32(CONCAT_WS('|', insure_num, notify_type, digest, outcome, seq, \
                deliveries, received_at, applied_at))), 0) AS SIGNED) FROM notices";
    let before = desk.number(rows).await;
    let told = desk.prune(&["--dry-run"]).await;
    assert_eq!(
        (&told["proposals"], &told["notices"]),
        (&json!(2), &json!(7)),
        "{told:#}"
    );
    assert_eq!(desk.pruned().await, 0);
    let done = desk.prune(&["--as", "ops"]).await;
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
    assert_eq!(desk.pruned().await, 7);
    assert_eq!(desk.number(rows).await, before);
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM notices WHERE raw <> ''").await,
        3
    );
    desk.xiebao(&["operations", "--action", "prune"]).await.says(&[
        "ops",
        "pruned",
        "7 notices of 2 proposals, 0 dead letters",
    ]);
    let again = desk.prune(&[]).await;
    assert_eq!((&again["notices"], &again["complete"]), (&json!(0), &json!(true)));
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM operations WHERE action = 'prune'")
            .await,
        1
    );
}

#[tokio::test]
async fn what_waits_is_open_in_force_or_was_touched_since_is_left_whole() {
    let desk = Desk::new().await;
    for number in [
        "20200905000001",
        "20200905000002",
        "20200905000003",
        "20200905000004",
        "20200905000005",
        "20200905000006",
    ] {
        desk.issue(number).await;
    }
    desk.deliver(2, "20200905000009", paid()).await;
    desk.file_all(&[letter(
        body(4, "20200905000002", json!({})),
        Reason::TimedOut,
        "of a test",
    )])
    .await;
    desk.age("2020%", 4).await;
    desk.execute("UPDATE policies SET end_date = '2126-01-01' WHERE insure_num = '20200905000003'")
        .await;
    desk.execute(
        "UPDATE policies SET end_date = '2126-01-01', cancelled = TRUE WHERE insure_num = '20200905000004'",
    )
    .await;
    // Cover without an end.
    desk.execute("UPDATE policies SET end_date = NULL WHERE insure_num = '20200905000006'")
        .await;
    desk.void("20200905000005", 0).await;
    let told = desk.prune(&[]).await;
    let counts = ["proposals", "unsettled", "in_force", "busy"].map(|count| told[count].as_i64());
    assert_eq!(counts, [Some(2), Some(2), Some(2), Some(0)], "{told:#}");
    let whole = "SELECT COUNT(DISTINCT insure_num) FROM notices WHERE pruned_at IS NULL";
    assert_eq!(desk.number(whole).await, 5);
    let told = desk
        .xiebao(&["prune", "--older-than", "3y", "--lang", "zh"])
        .await;
    told.says(&[
        "0 个投保单的 0 条通知",
        "2 个投保单保持原样：有未了结",
        "2 个投保单保持原样：有保单",
    ]);
}

#[tokio::test]
async fn a_proposal_that_a_worker_is_busy_with_is_passed_over_at_once() {
    let desk = furnished().await;
    let mut conn = desk.connect().await;
    for statement in [
        "BEGIN",
        "SELECT 1 FROM proposal_locks WHERE insure_num = '20200905000001' FOR UPDATE",
    ] {
        diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, statement)
            .await
            .expect(statement);
    }
    let begun = Instant::now();
    let told = desk.prune(&[]).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited for the lock");
    assert_eq!(
        (&told["busy"], &told["proposals"]),
        (&json!(1), &json!(1)),
        "{told:#}"
    );
    drop(conn);
    // One that has no lock, after a restore without them say, is nobody's.
    desk.execute("DELETE FROM proposal_locks WHERE insure_num = '20200905000001'")
        .await;
    let told = desk.prune(&[]).await;
    assert_eq!(
        (&told["busy"], &told["proposals"]),
        (&json!(0), &json!(1)),
        "{told:#}"
    );
}

#[tokio::test]
async fn it_may_be_interrupted_and_leaves_each_proposal_whole_or_pruned() {
    let desk = Desk::new().await;
    for n in 0..30 {
        desk.issue(&format!("20200905{n:06}")).await;
    }
    desk.age("2020%", 4).await;
    let slowly = ["prune", "--older-than", "3y", "--batch", "1", "--pause", "200ms"];
    for signal in ["INT", "KILL"] {
        let before = desk.pruned().await;
        let running = desk.start(&slowly).await;
        let begun = Instant::now();
        while desk.pruned().await < before + 6 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does nothing");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        running.signal(signal).await;
        let told = running.ended().await;
        if signal == "INT" {
            assert_eq!(told.code, 1, "{told:?}");
            told.says(&["Broken off"]);
        }
        let now = desk.pruned().await;
        assert!(now % 3 == 0 && now < 90, "{now}");
    }
    assert_eq!(desk.prune(&[]).await["complete"], json!(true));
    assert_eq!(desk.pruned().await, 90);
    let noted = "SELECT CAST(SUM(REGEXP_SUBSTR(REGEXP_SUBSTR(detail, '[0-9]+ notices'), '[0-9]+')) AS SIGNED) \
                 FROM operations WHERE action = 'prune'";
    assert_eq!(desk.number(noted).await, 90);
}

#[tokio::test]
async fn closed_dead_letters_lose_their_bodies_and_get_them_back_with_a_copy() {
    let desk = Desk::new().await;
    let of = |number: &str| letter(body(4, number, json!({})), Reason::TimedOut, "of a test");
    let letters = [of("20200905000001"), of("20200905000002"), of("20260905000003")];
    desk.file_all(&letters).await;
    desk.execute("UPDATE dead_letters SET status = 'discarded' WHERE insure_num <> '20200905000002'")
        .await;
    desk.age("2020%", 4).await;
    assert_eq!(desk.prune(&["--dry-run"]).await["letters"], json!(1));
    assert_eq!(desk.prune(&[]).await["letters"], json!(1));
    let emptied = "body = '' AND pruned_at IS NOT NULL";
    assert_eq!(desk.letters(emptied).await, 1);
    assert_eq!(
        desk.letters(&format!("{emptied} AND insure_num = '20200905000001'"))
            .await,
        1
    );
    let id = desk
        .number("SELECT id FROM dead_letters WHERE body = ''")
        .await
        .to_string();
    desk.xiebao(&["dead", "show", &id])
        .await
        .says(&["because of its age (xiebao prune)"]);
    let told = desk.xiebao(&["dead", "requeue", &id]).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&["was emptied because of its age"]);
    desk.file_all(&letters).await;
    assert_eq!(desk.letters("body = '' OR pruned_at IS NOT NULL").await, 0);
    // What an older release leaves of a letter that was filed anew: it has its body.
    desk.execute("UPDATE dead_letters SET pruned_at = UTC_TIMESTAMP(6)")
        .await;
    let told = desk.xiebao(&["dead", "show", &id]).await;
    told.says(&["\"notifyType\": "]);
    assert!(!told.out.contains("because of its age"), "{told:?}");
    desk.age("2020%", 4).await;
    assert_eq!(desk.prune(&[]).await["letters"], json!(1));
}

#[tokio::test]
async fn nothing_younger_than_a_month_is_ever_emptied() {
    let desk = Desk::new().await;
    for age in ["3m", "29d", "0s"] {
        let told = desk.xiebao(&["prune", "--older-than", age]).await;
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("is less than 30 d"), "{told:?}");
    }
    assert_eq!(desk.xiebao(&["prune"]).await.code, 2);
}
