//! Single statements: the rows that they leave unchanged, and those that they read.

use std::time::Duration;

use chrono::DateTime;
use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use tokio::time::timeout;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::WriteState;
use xiebao_store::sql::{holds, notices};
use xiebao_store::{Connection, transaction};

use crate::stage::Stage;

fn number(nth: usize) -> InsureNum {
    let text = format!("20260815{nth:06}");
    InsureNum::parse(&text).expect("it fits").expect("it is one")
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_holds_waits_for_no_other_proposal() {
    let stage = Stage::new().await;
    let mut numbers: Vec<InsureNum> = (0..60).map(number).collect();
    numbers[0] = InsureNum::parse("A\"\\\t保'")
        .expect("it fits")
        .expect("it is one");
    let (mine, others) = numbers.split_at(40);
    let set = async |conn: &mut _, numbers: &[InsureNum]| {
        let due: Vec<_> = numbers.iter().map(|num| (num, DateTime::UNIX_EPOCH)).collect();
        holds::set(conn, &due).await.expect("they are held");
    };
    let (mut conn, mut other) = (stage.connect().await, stage.connect().await);
    set(&mut conn, mine).await;
    other.batch_execute("BEGIN").await.expect("a transaction");
    set(&mut other, others).await;
    let cleared: Vec<&InsureNum> = mine.iter().collect();
    timeout(Duration::from_secs(5), holds::clear(&mut conn, &cleared))
        .await
        .expect("it waits for nobody")
        .expect("they are cleared");
    other.batch_execute("COMMIT").await.expect("they are held");
    assert_eq!(stage.number("SELECT COUNT(*) FROM holds").await, 20);
}

/// A worker that has applied a notice of each.
async fn with_notices_of(numbers: &[InsureNum]) -> Stage {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    for num in numbers {
        stage.send(1, num.as_str(), json!({ "state": true })).await;
    }
    stage
        .until("SELECT COUNT(*) FROM notices", numbers.len() as i64)
        .await;
    stage
}

/// So many applied notices that the statement which changes them names the last one again.
async fn with_five_notices() -> (Stage, Vec<InsureNum>) {
    let numbers: Vec<InsureNum> = (1..=5).map(number).collect();
    (with_notices_of(&numbers).await, numbers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_notice_keeps_its_body_and_one_that_was_deleted_meanwhile_gets_it_back() {
    let (stage, numbers) = with_five_notices().await;
    let mut conn = stage.connect().await;
    let mut ledgers = transaction::load(&mut conn, numbers.iter())
        .await
        .expect("they are there");
    let mut entries: Vec<_> = ledgers
        .values_mut()
        .flat_map(|ledger| std::mem::take(&mut ledger.entries))
        .collect();
    for entry in &mut entries {
        entry.write_state = WriteState::Changed;
        entry.deliveries.count += 1;
    }
    // That of the last is seen to stay, for it is another now.
    let of_last = format!("insure_num = '{}'", numbers[4]);
    stage
        .execute(&format!("UPDATE notices SET raw = 'other' WHERE {of_last}"))
        .await;
    notices::write(&mut conn, &entries, &[])
        .await
        .expect("they are written");
    let right = "SELECT COUNT(*) FROM notices WHERE deliveries = 2 AND raw LIKE CONCAT('%', insure_num, '%')";
    assert_eq!(stage.number(right).await, 4);
    let other = format!("SELECT COUNT(*) FROM notices WHERE deliveries = 2 AND raw = 'other' AND {of_last}");
    assert_eq!(stage.number(&other).await, 1);

    stage
        .execute(&format!(
            "DELETE FROM notices WHERE insure_num = '{}'",
            numbers[1]
        ))
        .await;
    entries.iter_mut().for_each(|entry| entry.deliveries.count += 1);
    notices::write(&mut conn, &entries, &[])
        .await
        .expect("they are written");
    let whole = "SELECT COUNT(*) FROM notices WHERE deliveries = 3 AND raw LIKE CONCAT('%', insure_num, '%')";
    assert_eq!(stage.number(whole).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_unread_row_keeps_the_body_and_gives_back_one_that_was_deleted_meanwhile() {
    let (stage, numbers) = with_five_notices().await;
    let mut conn = stage.connect().await;
    let names: Vec<&InsureNum> = numbers.iter().collect();
    let rows = notices::of_proposals(&mut conn, &names).await;
    let mut rows = rows.expect("they are there");
    for row in &mut rows {
        row.deliveries += 1;
    }
    let deleted = format!("DELETE FROM notices WHERE insure_num = '{}'", numbers[1]);
    stage.execute(&deleted).await;
    for _ in 0..2 {
        // The second time nothing changes, as when a transaction that was committed is run again.
        notices::write(&mut conn, &[], &rows)
            .await
            .expect("they are written");
        let whole = "SELECT COUNT(*) FROM notices WHERE deliveries = 2 AND outcome = 'applied' AND seq = 1 \
             AND raw LIKE CONCAT('%', insure_num, '%')";
        assert_eq!(stage.number(whole).await, 5);
    }
}

/// Proposals with a notice each, more than fit one list of values anywhere else, and one with an odd number.
async fn with_many_proposals() -> (Stage, Vec<InsureNum>) {
    let mut numbers: Vec<InsureNum> = (1..=300).map(number).collect();
    numbers[299] = InsureNum::parse("A\"\\保'").expect("it fits").expect("it is one");
    (with_notices_of(&numbers).await, numbers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_asked_for_twice_is_read_once_with_its_links() {
    let (stage, numbers) = with_many_proposals().await;
    let odd = &numbers[299];
    let link = format!(
        "INSERT INTO reissue_links SELECT insure_num, 'OLD', 1 FROM notices WHERE insure_num LIKE 'A%' \
         UNION ALL SELECT '{}', 'OLD', 1",
        numbers[0]
    );
    stage.execute(&link).await;
    let mut conn = stage.connect().await;
    let asked = numbers.iter().chain([&numbers[0], odd]);
    let ledgers = transaction::load(&mut conn, asked).await.expect("they are there");
    assert_eq!(ledgers.len(), 300);
    for (num, ledger) in &ledgers {
        let linked = usize::from(num == odd || *num == numbers[0]);
        assert_eq!((ledger.entries.len(), ledger.links.len()), (1, linked), "{num}");
    }
}

#[derive(diesel::QueryableByName)]
struct Steps {
    #[diesel(sql_type = diesel::sql_types::Text)]
    count: String,
}

/// How often this session has gone on from row to row, be it in a table, in an index or in keys that it was given.
async fn steps(conn: &mut Connection) -> f64 {
    for schema in ["information_schema", "performance_schema"] {
        let query = format!(
            "SELECT CAST(SUM(variable_value) AS CHAR) AS count FROM {schema}.session_status \
             WHERE variable_name IN ('Handler_read_next', 'Handler_read_rnd_next')"
        );
        let query = diesel::sql_query(query);
        if let Ok(found) = diesel_async::RunQueryDsl::get_result::<Steps>(query, conn).await {
            return found.count.parse().expect("a number");
        }
    }
    panic!("the server does not count");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_few_proposals_of_many_looks_through_no_table() {
    let (stage, numbers) = with_many_proposals().await;
    let mut conn = stage.connect().await;
    let (first, second) = (steps(&mut conn).await, steps(&mut conn).await);
    let ledgers = transaction::load(&mut conn, numbers[..3].iter()).await;
    assert_eq!(ledgers.expect("they are there").len(), 3);
    // To count takes steps too.
    let taken = steps(&mut conn).await - second - (second - first);
    assert!((3.0..100.0).contains(&taken), "{taken} steps");
}
