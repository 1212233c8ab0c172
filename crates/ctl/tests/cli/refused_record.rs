//! The table of what was refused: what is left out of it, and its bounds.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use xiebao_core::refused::Refused;
use xiebao_runtime::clock;
use xiebao_store::StoreError;
use xiebao_store::sql::refused;
use xiebao_testkit::{PARTNER, notice, post};

use crate::cli::Cli;
use crate::platform_stub::PlatformStub;
use crate::refused::one;

#[tokio::test]
async fn what_the_database_refuses_alone_is_left_out_and_the_rest_waits_for_it() {
    let mut stub = PlatformStub::new().await;
    let refuse = |table: &str, when: &str| {
        format!(
            "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} FOR EACH ROW \
             BEGIN IF {when} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'of a test'; END IF; END"
        )
    };
    stub.cli
        .execute(&refuse("refused_requests", "NEW.verdict = 'malformed'"))
        .await;
    stub.cli.execute(&refuse("proposals", "TRUE")).await;
    stub.worker(&[]).await;
    let receiver = stub.receiver().await;
    let data = json!({ "partnerId": PARTNER, "insureNum": "20260905000001", "state": true });
    for body in [notice(1, &data, "not the key"), b"{".to_vec()] {
        post(&receiver.url, body).await;
    }
    stub.until_logged("refused requests are waiting for the database")
        .await;
    let filed = "SELECT COUNT(*) FROM refused_requests";
    assert_eq!(stub.cli.number(filed).await, 0);
    stub.cli.execute("DROP TRIGGER refuse_proposals").await;
    stub.until_logged("a refused request cannot be filed").await;
    stub.until(&format!("{filed} WHERE verdict = 'bad_signature'"), 1)
        .await;
    stub.until(filed, 1).await;
}

/// As a worker does, which leaves it where another has the same rows.
async fn trim_all(cli: &Cli, before: DateTime<Utc>, rows: i64) {
    let mut conn = cli.connect().await;
    loop {
        match refused::trim(&mut conn, before, rows, 5).await {
            Ok(0) => return,
            Ok(_) | Err(StoreError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn the_record_is_bounded_in_age_and_rows_and_what_is_verified_goes_last_however_many_trim() {
    let cli = Cli::new().await;
    let now = clock::now();
    let records: Vec<Refused> = (0..50)
        .map(|n| one(n, Some("A"), now - TimeDelta::days(i64::from(n))))
        .collect();
    let mut conn = cli.connect().await;
    refused::file(&mut conn, &records).await.expect("they are filed");
    let before = now - TimeDelta::days(30);
    assert_eq!(
        refused::trim(&mut conn, before, 100, 5).await.expect("trimmed"),
        5
    );
    let count = "SELECT COUNT(*) FROM refused_requests";
    tokio::join!(
        trim_all(&cli, before, 20),
        trim_all(&cli, before, 20),
        trim_all(&cli, before, 20)
    );
    assert_eq!(cli.number(count).await, 18, "nine of ten");
    let oldest = "SELECT TIMESTAMPDIFF(DAY, MIN(last_at), UTC_TIMESTAMP()) FROM refused_requests";
    assert_eq!(cli.number(oldest).await, 16);
    let authentic: Vec<Refused> = (0..15)
        .map(|n| Refused {
            digest: Some(format!("{n:064x}")),
            ..one(
                100 + n,
                Some("B"),
                now - TimeDelta::days(20) - TimeDelta::hours(n.into()),
            )
        })
        .collect();
    refused::file(&mut conn, &authentic)
        .await
        .expect("they are filed");
    trim_all(&cli, before, 20).await;
    let verified = format!("{count} WHERE digest IS NOT NULL");
    assert_eq!((cli.number(count).await, cli.number(&verified).await), (20, 15));
    trim_all(&cli, before, 10).await;
    assert_eq!((cli.number(count).await, cli.number(&verified).await), (10, 10));
}
