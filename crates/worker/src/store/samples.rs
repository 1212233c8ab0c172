//! Counts for the gauges. Each goes through an index, and has a bound.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime, Nullable, Text};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

use super::StoreError;

/// The held notices of one type.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct HeldOfType {
    #[diesel(sql_type = BigInt)]
    pub notify_type: i64,
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// When the oldest of them was first held, UTC.
    #[diesel(sql_type = Nullable<Datetime>)]
    pub oldest: Option<NaiveDateTime>,
    #[diesel(sql_type = BigInt)]
    pub overdue: i64,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct CountedByReason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Proposals with held notices, as many as `holds` has rows, up to `at_most`.
pub async fn proposals_with_holds(conn: &mut AsyncMysqlConnection, at_most: i64) -> Result<i64, StoreError> {
    let query =
        diesel::sql_query("SELECT COUNT(*) AS `rows` FROM (SELECT insure_num FROM holds LIMIT ?) AS counted");
    let counted: Counted = query.bind::<BigInt, _>(at_most).get_result(conn).await?;
    Ok(counted.rows)
}

/// What is held in the `proposals_at_most` proposals whose waits end first; overdue is what should have gone before
/// `should_have_gone`. From the small table to the large one by its key, whatever the server thinks better: by old statistics
/// it might read all of the large one.
pub async fn held_by_type(
    conn: &mut AsyncMysqlConnection,
    should_have_gone: DateTime<Utc>,
    proposals_at_most: i64,
) -> Result<Vec<HeldOfType>, StoreError> {
    let query = diesel::sql_query(
        "SELECT STRAIGHT_JOIN notices.notify_type, COUNT(*) AS held, MIN(notices.held_at) AS oldest, \
         COUNT(CASE WHEN notices.hold_until < ? THEN 1 END) AS overdue \
         FROM (SELECT insure_num FROM holds ORDER BY due_at LIMIT ?) AS first \
         JOIN notices FORCE INDEX (PRIMARY) ON notices.insure_num = first.insure_num \
         WHERE notices.outcome = 'held' GROUP BY notices.notify_type",
    );
    let query = query
        .bind::<Datetime, _>(should_have_gone.naive_utc())
        .bind::<BigInt, _>(proposals_at_most);
    Ok(query.load(conn).await?)
}

/// Open dead letters by reason, `at_most` in all. Nothing but an index is read.
pub async fn open_dead_letters(
    conn: &mut AsyncMysqlConnection,
    at_most: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let query = diesel::sql_query(
        "SELECT reason, COUNT(*) AS `rows` FROM \
         (SELECT reason FROM dead_letters WHERE status = 'open' LIMIT ?) AS counted GROUP BY reason",
    );
    let counted: Vec<CountedByReason> = query.bind::<BigInt, _>(at_most).load(conn).await?;
    Ok(counted.into_iter().map(|row| (row.reason, row.rows)).collect())
}
