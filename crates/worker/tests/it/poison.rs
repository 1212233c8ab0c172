use serde_json::json;
use xiebao_testkit::Metrics;

use crate::stage::{Running, Stage, eventually, issued, paid};

/// Waits until a worker reports a positive value for this series.
async fn until_reported(worker: &Running, name: &str, label: &str) {
    let client = reqwest::Client::new();
    let reported = async || {
        let metrics = Metrics::read(&client, worker.admin).await;
        metrics.is_ok_and(|metrics| {
            let mut samples = metrics.samples(name);
            samples.any(|(labels, value)| labels.contains(label) && value > 0.0)
        })
    };
    let reported = eventually(reported).await;
    assert!(reported.is_ok(), "{name} {label} is not reported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_the_database_rejects_does_not_fail_its_batch() {
    let mut stage = Stage::new().await;
    stage
        .execute(
            "CREATE TRIGGER poison BEFORE INSERT ON proposals FOR EACH ROW \
             IF NEW.insure_num = '20260803000007' THEN \
               SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no one expects this'; \
             END IF",
        )
        .await;
    for i in 0..20 {
        stage
            .send(1, &format!("202608030000{i:02}"), json!({ "state": true }))
            .await;
    }
    stage.worker(&[]).await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'insured'", 19)
        .await;
    let dead = "SELECT COUNT(*) FROM dead_letters WHERE insure_num = '20260803000007' \
                AND reason = 'apply_failed' AND detail LIKE '%no one expects this%'";
    // It waits for its next attempts and delays no other.
    stage.send(1, "20260803000050", json!({ "state": true })).await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'insured'", 20)
        .await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    stage.until(dead, 1).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 1);
    let story = "SELECT COUNT(*) FROM dead_letter_attempts JOIN dead_letters USING (digest) \
                 WHERE error LIKE '%no one expects this%' AND worker LIKE '%/%'";
    assert_eq!(stage.number(story).await, 4);
    let waits = "SELECT TIMESTAMPDIFF(SECOND, MIN(at), MAX(at)) BETWEEN 31 AND 50 FROM dead_letter_attempts";
    assert_eq!(stage.number(waits).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_fails_only_for_a_moment_is_applied_by_itself() {
    let mut stage = Stage::new().await;
    let num = "20260803000200";
    stage.worker(&[]).await;
    stage.send(1, num, json!({ "state": true })).await;
    stage.until("SELECT COUNT(*) FROM proposals", 1).await;
    // The rehearsal writes to payments too: the trigger must tell the notice from it.
    stage
        .execute(&format!(
            "CREATE TRIGGER moody BEFORE INSERT ON payments FOR EACH ROW \
             IF NEW.insure_num = '{num}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'; END IF"
        ))
        .await;
    stage.send(2, num, paid(100)).await;
    until_reported(&stage.workers[0], "xiebao_worker_notices_total", "\"retried\"").await;
    stage.execute("DROP TRIGGER moody").await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'paid'", 1)
        .await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    assert_eq!(stage.number("SELECT MAX(deliveries) FROM notices").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_rejects_every_write_makes_no_dead_letters() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    stage.execute("RENAME TABLE payments TO payments_away").await;
    let num = "20260803000100";
    stage.send(1, num, json!({ "state": true })).await;
    stage.send(2, num, paid(100)).await;
    stage.send(3, num, issued("P-1", "李四")).await;
    until_reported(&stage.workers[0], "xiebao_worker_paused", "").await;
    stage.execute("RENAME TABLE payments_away TO payments").await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE status = 'issued'", 1)
        .await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM proposals WHERE insure_num = 'probe'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_loses_races_runs_again_before_it_is_halved() {
    let mut stage = Stage::new().await;
    // A transaction that loses does not take back the numbers that it drew.
    stage
        .execute("CREATE TABLE lost (n INT AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB")
        .await;
    stage
        .execute(
            "CREATE TRIGGER racing BEFORE INSERT ON proposals FOR EACH ROW \
             IF NEW.insure_num LIKE '2026%' THEN \
               INSERT INTO lost VALUES (NULL); \
               IF LAST_INSERT_ID() <= 5 THEN \
                 SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'another was first'; \
               END IF; \
             END IF",
        )
        .await;
    for i in 0..20 {
        stage
            .send(1, &format!("202608030003{i:02}"), json!({ "state": true }))
            .await;
    }
    stage
        .worker(&[
            ("XIEBAO__WORKER__LANES", "1"),
            ("XIEBAO__WORKER__BATCH_SIZE", "20"),
            ("XIEBAO__WORKER__BATCH_WAIT_MS", "1000"),
        ])
        .await;
    stage.until("SELECT COUNT(*) FROM proposals", 20).await;
    let metrics = Metrics::read(&reqwest::Client::new(), stage.workers[0].admin)
        .await
        .expect("it answers");
    assert_eq!(metrics.sum("xiebao_worker_lock_conflicts_total"), 5.0);
    assert_eq!(metrics.sum("xiebao_worker_transaction_seconds_count"), 6.0);
}
