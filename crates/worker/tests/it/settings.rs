//! Settings of the database server that are wrong and then right, while a worker runs.

use serde_json::{Value, json};
use xiebao_testkit::{Database, PrivateDatabase, free_address, number};

use crate::stage::{PATIENCE, Stage, eventually};

/// A migrated database on the server.
async fn migrated(server: &PrivateDatabase) -> Database {
    let database = Database::on(&server.url).await;
    let conn = xiebao_store::connect(database.url()).await;
    let mut conn = conn.expect("the database is there");
    let migrated = xiebao_store::sql::migrations::run(&mut conn).await;
    migrated.expect("the schema can be made");
    database
}

async fn until_applied(database: &Database, wanted: i64) {
    let applied = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied'";
    let is = async || {
        number(&database.url(), applied)
            .await
            .is_ok_and(|is| is == wanted)
    };
    eventually(is).await.expect("the notices are applied");
}

fn insured() -> Value {
    json!({ "state": true })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_which_setting_it_waits_for_and_takes_up_its_work_by_itself() {
    let Some(server) = PrivateDatabase::start(&["--log-bin"]).await else {
        return eprintln!("SKIP: MariaDB is not installed");
    };
    let database = migrated(&server).await;
    let mut stage = Stage::new().await;
    let waits_for_setting = "its setting binlog_format is STATEMENT and must be ROW";
    server.execute("SET GLOBAL binlog_format = 'STATEMENT'").await;
    let worker = stage.unready_worker(&[("XIEBAO__DATABASE__URL", &database.url())]);
    let says = async |status: u16, text: &str| {
        let is = worker.readiness().await;
        is.is_some_and(|(is, body)| is == status && body.contains(text))
    };
    eventually(async || says(503, waits_for_setting).await)
        .await
        .expect("it says so at the start");
    stage.send(1, "20260907000001", insured()).await;
    server.execute("SET GLOBAL binlog_format = 'ROW'").await;
    until_applied(&database, 1).await;
    // A session keeps its format, so only new ones are affected.
    server.execute("SET GLOBAL binlog_format = 'STATEMENT'").await;
    server.end_connections().await;
    stage.send(1, "20260907000002", insured()).await;
    eventually(async || says(503, waits_for_setting).await)
        .await
        .expect("it says so in between");
    server.execute("SET GLOBAL binlog_format = 'MIXED'").await;
    until_applied(&database, 2).await;
    eventually(async || says(200, "").await)
        .await
        .expect("it is ready");
    assert_eq!(
        number(&database.url(), "SELECT COUNT(*) FROM dead_letters")
            .await
            .ok(),
        Some(0)
    );
    stage.workers.push(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_too_small_is_logged_at_the_start_and_works_as_soon_as_it_is_raised() {
    let Some(server) = PrivateDatabase::start(&["--max-allowed-packet=512K"]).await else {
        return eprintln!("SKIP: MariaDB is not installed");
    };
    let database = migrated(&server).await;
    let mut stage = Stage::new().await;
    let admin = free_address();
    let mut worker = stage.unready_process(&[("XIEBAO__DATABASE__URL", &database.url())], admin);
    worker.ready(admin, PATIENCE).await;
    let log = worker.log();
    assert!(
        log.contains("a setting of the database endangers notices"),
        "{log}"
    );
    assert!(log.contains("max_allowed_packet"), "{log}");
    let large = "x".repeat(600_000);
    let verdict = stage
        .send(1, "20260907000003", json!({ "state": true, "otherInfo": large }))
        .await;
    assert_eq!(verdict, "accepted");
    let fails = async || {
        let log = worker.log();
        log.contains("waiting for the database") || log.contains("a notice failed; it will be retried")
    };
    eventually(fails).await.expect("it is too large");
    server.execute("SET GLOBAL max_allowed_packet = 16777216").await;
    until_applied(&database, 1).await;
    stage.processes.push(worker);
}
