use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use crate::cli::{Cli, issued, paid};

const TABLES: [(&str, &str); 10] = [
    ("proposals", "case_code = 'wrong'"),
    ("payments", "price_fen = price_fen + 1"),
    ("policies", "applicant = 'wrong'"),
    ("insured_persons", "cancelled = NOT cancelled"),
    ("cancellations", "notify_type = 9"),
    ("endorsements", "remark = 'wrong'"),
    ("abnormalities", "fail_msg = 'wrong'"),
    ("unmatched_persons", "names = '[]'"),
    ("holds", "due_at = '2020-01-01'"),
    ("reissue_links", "partner_id = partner_id + 1"),
];

/// One proposal with everything, another that replaces it, and one that waits.
async fn furnished() -> Cli {
    let cli = Cli::new().await;
    let (old, new) = ("20260905000001", "20260905000002");
    cli.issue(old).await;
    cli.deliver(26, old, json!({ "status": 1, "remark": "r" })).await;
    cli.deliver(27, old, json!({ "failMsg": "f" })).await;
    cli.deliver(5, old, json!({ "newInsureNum": new })).await;
    cli.deliver(3, new, issued(new)).await;
    cli.deliver(4, new, json!({ "cancelInsurants": ["李四", "无名"] }))
        .await;
    cli.deliver(2, "20260905000003", paid()).await;
    cli
}

async fn sql(cli: &Cli, statement: &str) {
    let mut conn = cli.connect().await;
    diesel::sql_query(statement)
        .execute(&mut conn)
        .await
        .expect(statement);
}

async fn check(cli: &Cli) -> (i32, Value) {
    let answer = cli.xiebao(&["rebuild", "--all", "--check", "--json"]).await;
    let report = serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    (answer.code, report)
}

fn counts(report: &Value, table: &str) -> [u64; 3] {
    ["lost", "extra", "differing"].map(|kind| report["tables"][table][kind].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn what_the_workers_wrote_is_what_the_notices_say() {
    let cli = furnished().await;
    let (code, report) = check(&cli).await;
    assert_eq!((code, &report["proposals"]), (0, &json!(3)), "{report:#}");
    for (table, _) in TABLES {
        assert_eq!(counts(&report, table), [0, 0, 0], "{report:#}");
    }
}

#[tokio::test]
async fn a_wrong_column_of_every_table_is_found_and_mended() {
    let cli = furnished().await;
    for (table, damage) in TABLES {
        sql(&cli, &format!("UPDATE {table} SET {damage} LIMIT 1")).await;
        let (code, report) = check(&cli).await;
        assert_eq!(
            (code, counts(&report, table)),
            (1, [0, 0, 1]),
            "{table}: {report:#}"
        );
        let mended = cli.xiebao(&["rebuild", "--all"]).await;
        assert_eq!(mended.code, 0, "{mended:?}");
        assert_eq!(check(&cli).await.0, 0, "{table}");
    }
}

#[tokio::test]
async fn a_missing_row_of_every_table_is_found_and_written_again() {
    let cli = furnished().await;
    for (table, _) in TABLES {
        sql(&cli, &format!("DELETE FROM {table} LIMIT 1")).await;
        let (code, report) = check(&cli).await;
        assert_eq!(
            (code, counts(&report, table)),
            (1, [1, 0, 0]),
            "{table}: {report:#}"
        );
        let mended = cli.xiebao(&["rebuild", "--all"]).await;
        assert_eq!(mended.code, 0, "{mended:?}");
        assert_eq!(check(&cli).await.0, 0, "{table}");
    }
}

#[tokio::test]
async fn a_row_that_no_notice_makes_is_found_and_deleted_even_if_there_is_no_notice_at_all() {
    let cli = furnished().await;
    for (table, _) in TABLES {
        let copy = format!("CREATE TEMPORARY TABLE one AS SELECT * FROM {table} LIMIT 1");
        let mut conn = cli.connect().await;
        for statement in [
            copy,
            "UPDATE one SET insure_num = '20260905999999'".to_owned(),
            format!("INSERT INTO {table} SELECT * FROM one"),
        ] {
            diesel::sql_query(&statement)
                .execute(&mut conn)
                .await
                .expect(&statement);
        }
        let (code, report) = check(&cli).await;
        assert_eq!(
            (code, counts(&report, table)),
            (1, [0, 1, 0]),
            "{table}: {report:#}"
        );
        let mended = cli.xiebao(&["rebuild", "--all"]).await;
        assert_eq!(mended.code, 0, "{mended:?}");
        assert_eq!(check(&cli).await.0, 0, "{table}");
    }
}

#[tokio::test]
async fn the_report_names_the_row_and_the_column_in_both_languages() {
    let cli = furnished().await;
    sql(
        &cli,
        "UPDATE payments SET gateway = 3 WHERE insure_num = '20260905000001'",
    )
    .await;
    let arguments = ["rebuild", "--proposal", "20260905000001", "--check"];
    let told = cli.xiebao(&arguments).await;
    assert_eq!(told.code, 1, "{told:?}");
    told.says(&[
        "payments: 0 lost, 0 extra, 1 differing",
        "insure_num=20260905000001",
        "gateway is 3, should be 21",
        "Nothing was changed",
    ]);
    let told = cli.xiebao(&[&arguments[..], &["--lang", "zh"]].concat()).await;
    told.says(&[
        "payments：缺少 0 行，多出 0 行，不一致 1 行",
        "gateway 现为 3，应为 21",
    ]);
    let mended = cli
        .xiebao(&["rebuild", "--proposal", "20260905000001", "--as", "ops"])
        .await;
    assert_eq!(mended.code, 0);
    mended.says(&["1 rows differed and were corrected"]);
    assert_eq!(check(&cli).await.0, 0);
    let mut conn = cli.connect().await;
    let deeds = xiebao_store::sql::operations::of_proposal(&mut conn, "20260905000001").await;
    let deeds = deeds.expect("the log");
    assert_eq!(
        (deeds.len(), deeds[0].actor.as_str(), deeds[0].action.as_str()),
        (1, "ops", "rebuild")
    );
}

#[tokio::test]
async fn a_gap_in_the_numbering_is_told_though_nothing_mends_it() {
    let cli = furnished().await;
    sql(&cli, "UPDATE notices SET seq = 99 WHERE seq = 1 LIMIT 1").await;
    let (code, report) = check(&cli).await;
    assert_eq!((code, &report["broken_sequences"]), (1, &json!(1)), "{report:#}");
    let mended = cli.xiebao(&["rebuild", "--all"]).await;
    assert_eq!(mended.code, 1, "{mended:?}");
    assert!(!mended.out.contains("agree with the notices"), "{mended:?}");
    assert_eq!(cli.xiebao(&["rebuild"]).await.code, 2);
}

#[tokio::test]
async fn a_check_beside_deliveries_finds_no_false_difference() {
    let cli = furnished().await;
    let deliveries = async {
        for n in 0..40 {
            let (old, new) = (format!("2026090600{n:04}"), format!("2026090700{n:04}"));
            cli.issue(&old).await;
            cli.deliver(5, &old, json!({ "newInsureNum": new })).await;
        }
    };
    let checks = async {
        for _ in 0..6 {
            let (code, report) = check(&cli).await;
            assert_eq!(code, 0, "{report:#}");
        }
    };
    tokio::join!(deliveries, checks);
}

#[tokio::test]
async fn a_lost_link_is_found_and_written_again_from_the_proposal_that_it_leads_to() {
    let cli = furnished().await;
    let new = "20260905000002";
    let from = async || cli.json(&["trace", new, "--json"]).await["proposal"]["reissued_from"].clone();
    for also in [
        "DO 0",
        "UPDATE proposals SET reissued_from = NULL WHERE insure_num = '20260905000002'",
    ] {
        sql(&cli, "DELETE FROM reissue_links").await;
        sql(&cli, also).await;
        let told = cli.xiebao(&["rebuild", "--proposal", new, "--check"]).await;
        assert_eq!(told.code, 1, "{told:?}");
        told.says(&["reissue_links: 1 lost, 0 extra, 0 differing"]);
        let mended = cli.xiebao(&["rebuild", "--proposal", new]).await;
        assert_eq!(mended.code, 0, "{mended:?}");
        assert_eq!(from().await, json!("20260905000001"), "{also}");
        assert_eq!(check(&cli).await.0, 0, "{also}");
    }
}

#[tokio::test]
async fn of_an_unknown_proposal_nothing_is_known_in_both_languages() {
    let cli = furnished().await;
    for more in [&[][..], &["--check"]] {
        let arguments = [&["rebuild", "--proposal", "20260905999999"], more].concat();
        let told = cli.xiebao(&arguments).await;
        assert_eq!(told.code, 1, "{told:?}");
        told.says(&["Nothing is known about 20260905999999"]);
        let told = cli.xiebao(&[&arguments[..], &["--lang", "zh"]].concat()).await;
        assert_eq!(told.code, 1, "{told:?}");
        told.says(&["没有 20260905999999 的任何记录"]);
    }
}

#[tokio::test]
async fn a_notice_that_cannot_be_read_is_told_and_the_others_are_mended() {
    let cli = furnished().await;
    let bad = "UPDATE notices SET raw = 'x' WHERE insure_num = '20260905000001' AND notify_type = 5";
    sql(&cli, bad).await;
    sql(&cli, "DELETE FROM holds").await;
    let (code, report) = check(&cli).await;
    assert_eq!((code, counts(&report, "holds")), (1, [1, 0, 0]), "{report:#}");
    // The proposal itself, and the one whose link only that notice can vouch for.
    assert_eq!(report["unreadable"], json!(2), "{report:#}");
    let mended = cli.xiebao(&["rebuild", "--all"]).await;
    assert_eq!(mended.code, 1, "{mended:?}");
    mended.says(&["2 proposals passed over", "notices, key 20260905000001/5/"]);
    let (code, report) = check(&cli).await;
    assert_eq!((code, counts(&report, "holds")), (1, [0, 0, 0]), "{report:#}");
    assert_eq!(counts(&report, "reissue_links"), [0, 0, 0], "{report:#}");
}

#[tokio::test]
async fn each_mended_batch_is_in_the_log_and_a_run_that_mends_nothing_is_not() {
    let cli = furnished().await;
    let logged = async || cli.xiebao(&["operations", "--action", "rebuild"]).await;
    assert_eq!(cli.xiebao(&["rebuild", "--all"]).await.code, 0);
    assert_eq!(logged().await.code, 1);
    sql(&cli, "DELETE FROM payments LIMIT 1").await;
    assert_eq!(cli.xiebao(&["rebuild", "--all"]).await.code, 0);
    logged().await.says(&["payments: 1 lost, 0 extra, 0 differing"]);
}

#[tokio::test]
async fn a_hold_that_the_sweeper_put_off_does_not_differ_and_one_put_off_further_does() {
    let cli = furnished().await;
    let overdue = "UPDATE notices SET hold_until = UTC_TIMESTAMP() - INTERVAL 1 DAY WHERE outcome = 'held'";
    sql(&cli, overdue).await;
    sql(
        &cli,
        "UPDATE holds SET due_at = UTC_TIMESTAMP() + INTERVAL 30 SECOND",
    )
    .await;
    let (code, report) = check(&cli).await;
    assert_eq!(code, 0, "{report:#}");
    sql(
        &cli,
        "UPDATE holds SET due_at = UTC_TIMESTAMP() + INTERVAL 1 HOUR",
    )
    .await;
    let (code, report) = check(&cli).await;
    assert_eq!((code, counts(&report, "holds")), (1, [0, 0, 1]), "{report:#}");
}
