use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::stage::{Stage, issued, paid};

const SHORT: (&str, &str) = ("XIEBAO__SEQUENCING__ISSUED__MAX_WAIT", "2s");

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_is_applied_when_its_wait_ends_and_a_late_predecessor_moves_nothing_back() {
    let mut stage = Stage::new().await;
    stage.worker(&[SHORT]).await;
    let num = "20260802000001";
    let sent = Instant::now();
    stage.send(3, num, issued("P-1", "李四")).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 1)
        .await;
    stage
        .until(
            "SELECT COUNT(*) FROM notices WHERE outcome = 'applied' AND out_of_order",
            1,
        )
        .await;
    assert!(
        sent.elapsed() >= Duration::from_secs(2),
        "not before its time: {:?}",
        sent.elapsed()
    );
    let waited = "SELECT TIMESTAMPDIFF(MICROSECOND, hold_until, applied_at) DIV 1000 FROM notices WHERE notify_type = 3";
    assert!(
        (0..1000).contains(&stage.number(waited).await),
        "released within a second of its end"
    );
    stage
        .send(1, num, json!({ "state": true, "partnerUniqueKey": "u-1" }))
        .await;
    stage.send(2, num, paid(100)).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 3)
        .await;
    let row = "SELECT CONCAT_WS('|', status, partner_unique_key) AS value FROM proposals";
    assert_eq!(stage.texts(row).await, ["issued|u-1"]);
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM payments WHERE success AND price_fen = 100")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_so_configured_a_time_out_makes_a_dead_letter_that_a_copy_brings_back() {
    let mut stage = Stage::new().await;
    stage
        .worker(&[SHORT, ("XIEBAO__SEQUENCING__ISSUED__ON_TIMEOUT", "dead_letter")])
        .await;
    let num = "20260802000002";
    stage.send(3, num, issued("P-1", "李四")).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'timed_out' AND status = 'open'",
            1,
        )
        .await;
    assert_eq!(
        stage.number("SELECT COUNT(*) FROM notices").await,
        0,
        "a dead notice has no row in notices"
    );
    assert_eq!(stage.number("SELECT COUNT(*) FROM holds").await, 0);
    stage.send(1, num, json!({ "state": true })).await;
    stage.send(2, num, paid(100)).await;
    stage.send(3, num, issued("P-1", "李四")).await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'issued'", 1)
        .await;
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM dead_letters WHERE status = 'open'")
            .await,
        0,
        "applied after all"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_together_goes_in_step_order_each_decided_after_the_one_before() {
    let mut stage = Stage::new().await;
    // Held by a worker with the usual patience, then swept by one with none.
    stage.worker(&[]).await;
    let num = "20260802000003";
    stage.send(9, num, json!({ "state": true })).await;
    stage.send(3, num, issued("P-1", "李四")).await;
    stage.send(2, num, paid(100)).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 3)
        .await;
    stage
        .execute(
            "UPDATE notices SET hold_until = UTC_TIMESTAMP(6); UPDATE holds SET due_at = UTC_TIMESTAMP(6)",
        )
        .await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 3)
        .await;
    assert_eq!(
        stage
            .texts("SELECT CONCAT(notify_type, '/', out_of_order) AS value FROM notices ORDER BY seq")
            .await,
        ["2/1", "3/0", "9/0"],
        "the payment went without the insured notice, the others after it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_proposal_holds_up_no_other_that_is_due() {
    use diesel_async::SimpleAsyncConnection;
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let busy = "20260802000010";
    for num in [busy, "20260802000011"] {
        stage.send(9, num, json!({ "state": true })).await;
    }
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 2)
        .await;
    let mut other = stage.connect().await;
    let lock = format!("BEGIN; SELECT * FROM proposal_locks WHERE insure_num = '{busy}' FOR UPDATE");
    other.batch_execute(&lock).await.expect("the lock is free");
    stage
        .execute(
            "UPDATE notices SET hold_until = UTC_TIMESTAMP(6); UPDATE holds SET due_at = UTC_TIMESTAMP(6)",
        )
        .await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 1)
        .await;
    assert_eq!(
        stage
            .number(&format!(
                "SELECT COUNT(*) FROM notices WHERE insure_num = '{busy}' AND outcome = 'held'"
            ))
            .await,
        1
    );
    other.batch_execute("ROLLBACK").await.expect("rolled back");
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 2)
        .await;
}
