use serde_json::json;
use xiebao_testkit::{KEY, PARTNER, notice};

use crate::stage::{Stage, data, paid};

#[tokio::test(flavor = "multi_thread")]
async fn content_that_cannot_be_believed_becomes_a_dead_letter_with_its_reason() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let long = "长".repeat(129);
    let cases = [
        (1, json!({}), "incomplete"),
        (
            2,
            json!({ "state": true, "payTime": "2026-07-23 09:15:02" }),
            "incomplete",
        ),
        (
            2,
            json!({ "state": true, "price": 1.5, "payTime": "2026-07-23 09:15:02" }),
            "invalid_field",
        ),
        (
            2,
            json!({ "state": true, "price": 1, "payTime": "2026-02-30 09:15:02" }),
            "invalid_field",
        ),
        (
            3,
            json!({ "state": true, "policys": [null, { "policyNum": " " }] }),
            "incomplete",
        ),
        (1, json!({ "state": true, "caseCode": long }), "too_long"),
        (26, json!({ "state": true, "status": [] }), "incomplete"),
        (
            5,
            json!({ "state": true, "newInsureNum": "20260807000007" }),
            "invalid_field",
        ),
    ];
    for (i, (notify_type, stated, _)) in cases.iter().enumerate() {
        let verdict = stage
            .send(*notify_type, &format!("2026080700000{i}"), stated.clone())
            .await;
        assert_eq!(verdict, "accepted");
    }
    for (i, (_, _, reason)) in cases.iter().enumerate() {
        let sql = format!(
            "SELECT COUNT(*) FROM dead_letters WHERE insure_num = '2026080700000{i}' AND reason = '{reason}' \
             AND status = 'open' AND attempts = 1 AND detail <> ''"
        );
        stage.until(&sql, 1).await;
    }
    assert_eq!(stage.number("SELECT COUNT(*) FROM notices").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_dead_letter_raises_its_attempts_and_a_discarded_one_stays_so() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let num = "20260807000100";
    stage.send(1, num, json!({ "caseCode": "C-1" })).await;
    stage.send(1, num, json!({ "caseCode": "C-1" })).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE attempts = 2 AND status = 'open'",
            1,
        )
        .await;
    stage.execute("UPDATE dead_letters SET status = 'requeued'").await;
    stage.send(1, num, json!({ "caseCode": "C-1" })).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE attempts = 3 AND status = 'open'",
            1,
        )
        .await;
    stage
        .execute("UPDATE dead_letters SET status = 'discarded'")
        .await;
    stage.send(1, num, json!({ "caseCode": "C-1" })).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE attempts = 4 AND status = 'discarded'",
            1,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_twice_in_data_is_a_dead_letter() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let twice = r#"{"partnerId":1048483,"insureNum":"20260807000200","state":true,"state":false}"#;
    assert_eq!(
        stage.send_raw(xiebao_testkit::signed(1, twice, KEY)).await,
        "accepted"
    );
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'invalid_field' AND detail LIKE '%state%'",
            1,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_notice_are_kept_for_a_person() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let (_connection, channel) = stage.broker.channel().await;
    let options = lapin::options::BasicPublishOptions::default();
    let properties = lapin::BasicProperties::default().with_delivery_mode(2);
    channel
        .basic_publish(
            "xiebao.notices".into(),
            "notice.1".into(),
            options,
            b"\xffwhat is this",
            properties,
        )
        .await
        .expect("published");
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'unreadable' AND insure_num IS NULL",
            1,
        )
        .await;
    let body = notice(2, &data(PARTNER, "20260807000300", paid(1)), KEY);
    stage.send_raw(body).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 1)
        .await;
}

const STRANGERS: &str = "INSERT INTO dead_letters \
     (digest, reason, detail, body, received_at, attempts, status, first_dead_at, last_dead_at) \
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ";

#[tokio::test(flavor = "multi_thread")]
async fn an_applied_notice_closes_its_letter_and_no_other_be_few_open_or_many() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let send = async || stage.send(1, "20260807000031", json!({ "state": true })).await;
    assert_eq!(send().await, "accepted");
    stage.until("SELECT COUNT(*) FROM notices", 1).await;
    let letter = "INSERT INTO dead_letters \
         (digest, reason, detail, body, received_at, attempts, status, first_dead_at, last_dead_at) \
         SELECT digest, 'incomplete', '', '', NOW(), 1, 'open', NOW(), NOW() FROM notices";
    stage.execute(letter).await;
    // With the letter itself, just as many as are all looked at, and one more.
    for open in [5, 99, 100, 150] {
        stage
            .execute("DELETE FROM dead_letters WHERE digest NOT IN (SELECT digest FROM notices)")
            .await;
        let strangers = format!(
            "{STRANGERS}{open}) SELECT SHA2(i, 256), 'incomplete', '', '', NOW(), 1, 'open', NOW(), NOW() FROM n"
        );
        stage.execute(&strangers).await;
        stage.execute("UPDATE dead_letters SET status = 'open'").await;
        assert_eq!(send().await, "accepted");
        let closed =
            "SELECT COUNT(*) FROM dead_letters JOIN notices USING (digest) WHERE status = 'requeued'";
        stage.until(closed, 1).await;
        let others = "SELECT COUNT(*) FROM dead_letters WHERE status = 'open'";
        assert_eq!(stage.number(others).await, open);
    }
}
