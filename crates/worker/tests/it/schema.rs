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
    assert_eq!(stage.number(&tables).await, 15);
    let silent = format!("SELECT COUNT(*) FROM information_schema.tables WHERE {own} AND table_comment = ''");
    assert_eq!(stage.number(&silent).await, 0);
    let silent =
        format!("SELECT COUNT(*) FROM information_schema.columns WHERE {own} AND column_comment = ''");
    assert_eq!(stage.number(&silent).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_changes_nothing() {
    let stage = Stage::new().await;
    let again = xiebao_worker::store::migrations::run(stage.connect().await).expect("migrated");
    assert_eq!(again, Vec::<String>::new());
    let found = xiebao_worker::store::migrations::difference(&mut stage.connect().await)
        .await
        .expect("asked");
    assert_eq!((found.pending, found.unknown), (vec![], vec![]));
}
