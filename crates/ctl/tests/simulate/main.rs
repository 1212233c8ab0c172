//! `xiebao simulate` against two real receivers and three real workers, and against services that are not there.

mod galera;
mod log_level;
mod logs;
mod outage;
mod services;
mod traces;

use std::process::Output;
use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};
use services::Services;
use xiebao_testkit::{Proxy, number};

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn counts(report: &Value) -> Value {
    let findings = &report["database"]["findings"];
    json!([findings["lost"], findings["extra"], findings["differing"]])
}

const PLAY: &[&str] = &[
    "--proposals",
    "150",
    "--seed",
    "5",
    "--disorder",
    "1",
    "--duplicates",
    "0.3",
    "--json",
];

#[tokio::test]
async fn shuffled_and_repeated_stories_end_in_the_right_rows_and_a_wrong_row_is_found() {
    let services = Services::start(2, 3).await;
    let beside = async {
        // While workers are at it, there is no false difference.
        for _ in 0..3 {
            let checked = services.check().await;
            assert_eq!(checked.status.code(), Some(0), "{:#}", report(&checked));
        }
    };
    let (first, ()) = tokio::join!(services.simulate(PLAY), beside);
    let told = report(&first);
    assert_eq!(first.status.code(), Some(0), "{told:#}");
    assert_eq!(counts(&told), json!([0, 0, 0]));
    assert_eq!(
        (&told["given_up"], &told["database"]["compared_proposals"]),
        (&json!(0), &json!(150))
    );

    // Played again, everything is a duplicate, and still right.
    let again = services.simulate(PLAY).await;
    assert_eq!(again.status.code(), Some(0), "{:#}", report(&again));

    let checked = services.check().await;
    assert_eq!(checked.status.code(), Some(0), "{:#}", report(&checked));
    assert_eq!(report(&checked)["tables"], json!({}));

    let mut connection = services.database.connect().await;
    for wrong in [
        "UPDATE payments SET new_money = NOT new_money WHERE success LIMIT 1",
        "DELETE FROM policies LIMIT 1",
        "UPDATE insured_persons SET name = 'nobody' LIMIT 1",
        "UPDATE notices SET seq = 99 WHERE seq = 1 LIMIT 1",
    ] {
        diesel::sql_query(wrong)
            .execute(&mut connection)
            .await
            .expect(wrong);
    }
    let judged = services.simulate(&[PLAY, &["--settle", "2"]].concat()).await;
    assert_eq!(judged.status.code(), Some(1));
    assert_eq!(counts(&report(&judged)), json!([2, 1, 2]));
}

#[tokio::test]
async fn steps_that_fail_before_they_succeed_end_in_the_right_rows() {
    let services = Services::start(1, 1).await;
    let judged = services.simulate(&[PLAY, &["--failures", "0.5"]].concat()).await;
    let told = report(&judged);
    assert_eq!(counts(&told), json!([0, 0, 0]), "{told:#}");
    assert_eq!(judged.status.code(), Some(0));
}

/// The workers' own way to the database stays whole.
#[tokio::test]
async fn a_database_that_goes_away_while_it_is_compared_is_asked_again() {
    let services = Services::start(1, 1).await;
    let proxy = Proxy::start(services.database.address()).await;
    let database = proxy.instead_of(&services.database.url());
    let arguments = [PLAY, &["--database", &database, "--rate", "400"]].concat();
    let playing = services.simulate(&arguments);
    let breaking = async {
        // Its look before anything is sent is through, then.
        let deadline = Instant::now() + Duration::from_secs(20);
        while number(&services.database.url(), "SELECT COUNT(*) FROM notices")
            .await
            .expect("the table is there")
            == 0
        {
            assert!(Instant::now() < deadline, "nothing is sent");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.reset();
        while proxy.accepted() < 4 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.resume();
    };
    let (output, ()) = tokio::join!(playing, breaking);
    let told = report(&output);
    assert_eq!(output.status.code(), Some(0), "{told:#}");
    assert_eq!(counts(&told), json!([0, 0, 0]));
    assert!(proxy.accepted() >= 4, "it did not ask again");
}

#[tokio::test]
async fn what_the_receivers_refuse_is_given_up_and_fails_the_run() {
    let services = Services::start(1, 1).await;
    let wrong_key = services::keys("\"1048483\" = [\"another key\"]");
    let path = wrong_key.path().to_string_lossy().into_owned();
    let arguments = [
        "--proposals",
        "5",
        "--time-scale",
        "360000",
        "--json",
        "--key-file",
        &path,
    ];
    let output = services.simulate(&arguments).await;
    let told = report(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(told["acknowledged"], json!(0));
    assert_eq!(told["verdicts"]["bad_signature"], told["requests"]);
    assert_eq!(told["database"]["left_out"], json!(5));
}

#[tokio::test]
async fn what_cannot_be_reached_is_exit_3_and_what_is_not_configured_exit_2() {
    let nowhere = format!("http://{}/notices", xiebao_testkit::free_address());
    let keys = services::keys("\"7\" = [\"k\"]");
    let path = keys.path().to_string_lossy().into_owned();
    let away = services::xiebao(
        &["simulate", "--no-verify", "--url", &nowhere, "--key-file", &path],
        &[],
    )
    .await;
    assert_eq!(
        away.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&away.stderr)
    );
    let database = format!("mysql://u:secret@{}/x", xiebao_testkit::free_address());
    let arguments = [
        "simulate",
        "--database",
        &database,
        "--url",
        &nowhere,
        "--key-file",
        &path,
    ];
    let away = services::xiebao(&arguments, &[]).await;
    let said = String::from_utf8_lossy(&away.stderr).into_owned();
    assert_eq!(away.status.code(), Some(3), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let unconfigured = services::xiebao(&["simulate"], &[]).await;
    assert_eq!(unconfigured.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unconfigured.stderr).contains("keys_file"));
}
