use xiebao_core::limits;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_as_wide_as_the_core_believes() {
    let stage = Stage::new().await;
    let columns = [
        ("notices", "insure_num", limits::NUMBER_CHARS),
        ("proposals", "insure_num", limits::NUMBER_CHARS),
        ("proposals", "partner_unique_key", limits::KEY_CHARS),
        ("proposals", "case_code", limits::KEY_CHARS),
        ("proposals", "reissued_to", limits::NUMBER_CHARS),
        ("payments", "fail_msg", limits::MESSAGE_CHARS),
        ("policies", "policy_num", limits::NUMBER_CHARS),
        ("policies", "product_name", limits::NAME_CHARS),
        ("policies", "plan_name", limits::NAME_CHARS),
        ("policies", "applicant", limits::NAME_CHARS),
        ("insured_persons", "name", limits::PERSON_CHARS),
        ("cancellations", "new_insure_num", limits::NUMBER_CHARS),
        ("cancellations", "cancel_msg", limits::MESSAGE_CHARS),
        ("cancellations", "fail_msg", limits::MESSAGE_CHARS),
        ("endorsements", "msg", limits::MESSAGE_CHARS),
        ("endorsements", "remark", limits::MESSAGE_CHARS),
        ("abnormalities", "fail_msg", limits::MESSAGE_CHARS),
        ("cancellations", "insurants", limits::INSURANTS_BYTES),
        ("unmatched_persons", "names", limits::INSURANTS_BYTES),
    ];
    for (table, column, width) in columns {
        let sql = format!(
            "SELECT character_maximum_length FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = '{table}' AND column_name = '{column}'"
        );
        assert_eq!(stage.number(&sql).await, width as i64, "{table}.{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_says_what_it_is() {
    let stage = Stage::new().await;
    let own = "table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_diesel%'";
    let tables = format!("SELECT COUNT(*) FROM information_schema.tables WHERE {own}");
    assert_eq!(stage.number(&tables).await, 17);
    let silent = format!("SELECT COUNT(*) FROM information_schema.tables WHERE {own} AND table_comment = ''");
    assert_eq!(stage.number(&silent).await, 0);
    let silent =
        format!("SELECT COUNT(*) FROM information_schema.columns WHERE {own} AND column_comment = ''");
    assert_eq!(stage.number(&silent).await, 0);
}

/// On failure it shows the new content of `store/src/sql/inventory.txt`.
#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_is_what_the_migrations_make_and_drift_is_told() {
    use xiebao_store::sql::inventory;
    let stage = Stage::new().await;
    let mut conn = stage.connect().await;
    let own = "table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_diesel%'";
    let columns = format!("SELECT COUNT(*) FROM information_schema.columns WHERE {own}");
    let lines = include_str!("../../../store/src/sql/inventory.txt").lines();
    let known = lines
        .filter(|line| line.split(' ').nth(1) != Some("index"))
        .count();
    assert_eq!(
        stage.number(&columns).await,
        known as i64,
        "{:#?}",
        inventory::read(&mut conn).await
    );
    let drift = inventory::drift(&mut conn).await.expect("looked at");
    assert_eq!((drift.missing, drift.unexpected), (vec![], vec![]));
    stage
        .execute("ALTER TABLE holds DROP KEY holds_due_at, ADD COLUMN note INT NULL")
        .await;
    stage
        .execute("ALTER TABLE policies MODIFY applicant VARCHAR(20) NULL")
        .await;
    let drift = inventory::drift(&mut conn).await.expect("looked at");
    let missing = [
        "holds index holds_due_at due_at not unique",
        "policies.applicant varchar(255) YES utf8mb4_bin",
    ];
    assert_eq!(drift.missing, missing);
    let unexpected = [
        "holds.note int YES",
        "policies.applicant varchar(20) YES utf8mb4_general_ci",
    ];
    assert_eq!(
        (drift.unexpected.len(), &drift.unexpected[0]),
        (2, &unexpected[0].to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_changes_nothing() {
    let stage = Stage::new().await;
    let again = xiebao_store::sql::migrations::run(&mut stage.connect().await).await;
    let again = again.expect("migrated");
    assert_eq!(again, Vec::<String>::new());
    let found = xiebao_store::sql::migrations::difference(&mut stage.connect().await)
        .await
        .expect("asked");
    assert_eq!((found.pending, found.unknown), (vec![], vec![]));
}
