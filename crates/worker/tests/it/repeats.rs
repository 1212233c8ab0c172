//! Copies of endorsements and abnormalities, by the time of their receipt.

use chrono::{DateTime, TimeDelta, Utc};
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;
use xiebao_testkit::{KEY, PARTNER, notice};

use crate::stage::{Stage, data};

async fn publish(stage: &Stage, body: &[u8], received_at: DateTime<Utc>) {
    let (_connection, channel) = stage.broker.channel().await;
    let mut headers = FieldTable::default();
    headers.insert(
        "x-received-at".into(),
        AMQPValue::LongString(received_at.to_rfc3339().into()),
    );
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_headers(headers);
    let options = BasicPublishOptions::default();
    channel
        .basic_publish(
            "xiebao.notices".into(),
            "notice.26".into(),
            options,
            body,
            properties,
        )
        .await
        .expect("published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_new_occurrence_only_when_none_came_in_the_window_before_it() {
    let mut stage = Stage::new().await;
    stage
        .worker(&[("XIEBAO__SEQUENCING__ENDORSEMENT__MAX_WAIT", "0s")])
        .await;
    let stated = json!({ "state": true, "status": 4, "msg": "批改成功" });
    let body = notice(26, &data(PARTNER, "20260806000001", stated), KEY);
    let start: DateTime<Utc> = "2026-08-06T00:00:00Z".parse().expect("a time");
    let days = [
        (10, 1, 1),
        (4, 1, 2),
        (0, 1, 3),
        (17, 1, 4),
        (30, 2, 1),
        (31, 2, 2),
    ];
    for (day, occurrences, copies) in days {
        publish(&stage, &body, start + TimeDelta::days(day)).await;
        let sql = format!(
            "SELECT COUNT(*) FROM notices WHERE occurrence = {occurrences} AND deliveries = {copies} AND outcome = 'applied'"
        );
        stage.until(&sql, 1).await;
    }
    assert_eq!(stage.number("SELECT COUNT(*) FROM endorsements").await, 2);
    assert_eq!(
        stage
            .texts("SELECT CAST(received_at AS DATE) AS value FROM notices ORDER BY occurrence")
            .await,
        ["2026-08-06", "2026-09-05"],
        "the earliest delivery of each"
    );
}
