use serde_json::json;
use xiebao_testkit::vectors;

use crate::stage::{Stage, issued, paid};

#[tokio::test(flavor = "multi_thread")]
async fn every_authentic_vector_becomes_rows_and_every_other_is_refused() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let (mut kept, mut bodies) = (0, Vec::new());
    for vector in vectors() {
        let verdict = stage.send_raw(vector.body.clone()).await;
        assert!(
            vector.expect.verdicts.contains(&verdict),
            "{}: {verdict}",
            vector.name
        );
        if verdict == "accepted" || verdict == "ignored" {
            kept += 1;
            bodies.push((vector.name, vector.body));
        }
    }
    stage.until("SELECT COUNT(*) FROM notices", kept).await;
    stage
        .until(
            "SELECT COUNT(*) FROM dead_letters WHERE reason = 'incomplete' AND insure_num IS NULL",
            1,
        )
        .await;
    for (name, body) in bodies {
        let sql = format!(
            "SELECT COUNT(*) FROM notices WHERE raw = X'{}'",
            hex::encode(&body)
        );
        assert_eq!(stage.number(&sql).await, 1, "{name} is kept byte for byte");
    }
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM notices WHERE outcome = 'ignored' AND seq IS NULL")
            .await,
        1
    );
    assert_eq!(
        stage
            .number("SELECT COUNT(*) FROM proposals WHERE insure_num = '20260723542785'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_in_reverse_with_repetitions_ends_in_the_right_rows() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let num = "20260801000001";
    for _ in 0..2 {
        stage.send(9, num, json!({ "state": true })).await;
        stage
            .send(
                4,
                num,
                json!({ "state": true, "cancelInsurants": ["王五", "李四"] }),
            )
            .await;
        stage.send(3, num, issued("P-1", "李四,王五、赵六")).await;
        stage.send(2, num, paid(85_764)).await;
    }
    stage
        .until(
            "SELECT COUNT(*) FROM notices WHERE outcome = 'held' AND deliveries = 2",
            4,
        )
        .await;
    assert_eq!(
        stage.number("SELECT COUNT(*) FROM proposals").await,
        0,
        "held notices show nowhere"
    );
    let user = json!({ "state": true, "partnerUniqueKey": "u-1", "caseCode": "C-1" });
    stage.send(1, num, user).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 5)
        .await;
    assert_eq!(
        stage
            .texts("SELECT notify_type AS value FROM notices ORDER BY seq")
            .await,
        ["1", "2", "3", "4", "9"],
        "released in step order"
    );
    assert_eq!(stage.number("SELECT COUNT(*) FROM holds").await, 0);
    let row = "SELECT CONCAT_WS('|', status, partner_unique_key, case_code, e_policy_ready) AS value FROM proposals";
    assert_eq!(stage.texts(row).await, ["partially_cancelled|u-1|C-1|1"]);
    let persons = "SELECT CONCAT(name, cancelled) AS value FROM insured_persons ORDER BY name";
    let mut found = stage.texts(persons).await;
    found.sort();
    assert_eq!(found, ["李四1", "王五1", "赵六0"]);
    assert_eq!(
        stage.texts("SELECT insurants AS value FROM cancellations").await,
        [r#"["李四","王五"]"#]
    );
    assert_eq!(
        stage.texts("SELECT price_fen AS value FROM payments").await,
        ["85764"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reissue_stands_in_for_the_insured_and_paid_steps_of_its_successor() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let (old, new) = ("20260801000002", "20260801000003");
    stage.send(3, new, issued("P-2", "李四")).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 1)
        .await;
    stage.send(1, old, json!({ "state": true })).await;
    stage.send(2, old, paid(1)).await;
    stage.send(3, old, issued("P-1", "李四")).await;
    stage
        .send(5, old, json!({ "state": true, "newInsureNum": new }))
        .await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", 5)
        .await;
    assert_eq!(
        stage.texts("SELECT CONCAT_WS('|', insure_num, status, reissued_from, reissued_to) AS value FROM proposals ORDER BY insure_num").await,
        [format!("{old}|reissued|{new}"), format!("{new}|issued|{old}")]
    );
    stage.until("SELECT COUNT(*) FROM reissue_outbox", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_left_in_the_outbox_by_a_crash_is_delivered_by_the_sweeper() {
    let mut stage = Stage::new().await;
    let (old, new) = ("20260801000004", "20260801000005");
    stage
        .execute(&format!(
            "INSERT INTO reissue_outbox (insure_num, new_insure_num, partner_id) VALUES ('{old}', '{new}', 1048483)"
        ))
        .await;
    stage.worker(&[]).await;
    stage.until(&format!("SELECT COUNT(*) FROM proposals WHERE insure_num = '{new}' AND reissued_from = '{old}' AND status IS NULL"), 1).await;
    stage.until("SELECT COUNT(*) FROM reissue_outbox", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_notice_is_applied_when_it_comes_again_after_its_type_was_subscribed() {
    let mut stage = Stage::new().await;
    stage.worker(&[("XIEBAO__SUBSCRIBED", "1,2,3,4,5,9,26")]).await;
    let num = "20260801000006";
    stage
        .send(27, num, json!({ "failMsg": "保险公司返回超时" }))
        .await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'ignored'", 1)
        .await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM proposals").await, 0);
    stage.stop_workers().await;
    stage.worker(&[]).await;
    stage
        .send(27, num, json!({ "failMsg": "保险公司返回超时" }))
        .await;
    stage
        .until(
            "SELECT COUNT(*) FROM notices WHERE outcome = 'applied' AND deliveries = 2 AND seq = 1",
            1,
        )
        .await;
    stage
        .until("SELECT COUNT(*) FROM proposals WHERE abnormal", 1)
        .await;
}
