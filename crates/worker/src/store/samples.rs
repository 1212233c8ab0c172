//! Counts for the gauges. Each goes through an index, and has a bound where a table may be large.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime, Nullable};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

use super::StoreError;
use crate::schema::{dead_letters, holds};

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

/// Proposals with held notices: as many as `holds` has rows.
pub async fn proposals_with_holds(conn: &mut AsyncMysqlConnection) -> Result<i64, StoreError> {
    Ok(holds::table.count().get_result(conn).await?)
}

/// What is held in the `proposals_at_most` proposals whose waits end first; overdue is what should have gone before
/// `should_have_gone`. From the small table to the large one, whatever the server thinks better.
pub async fn held_by_type(
    conn: &mut AsyncMysqlConnection,
    should_have_gone: DateTime<Utc>,
    proposals_at_most: i64,
) -> Result<Vec<HeldOfType>, StoreError> {
    let query = diesel::sql_query(
        "SELECT STRAIGHT_JOIN notices.notify_type, COUNT(*) AS held, MIN(notices.held_at) AS oldest, \
         COUNT(CASE WHEN notices.hold_until < ? THEN 1 END) AS overdue \
         FROM (SELECT insure_num FROM holds ORDER BY due_at LIMIT ?) AS first \
         JOIN notices ON notices.insure_num = first.insure_num \
         WHERE notices.outcome = 'held' GROUP BY notices.notify_type",
    );
    let query = query
        .bind::<Datetime, _>(should_have_gone.naive_utc())
        .bind::<BigInt, _>(proposals_at_most);
    Ok(query.load(conn).await?)
}

/// Open dead letters by reason. Nothing but an index is read.
pub async fn open_dead_letters(conn: &mut AsyncMysqlConnection) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = dead_letters::table
        .filter(dead_letters::status.eq("open"))
        .group_by(dead_letters::reason)
        .select((dead_letters::reason, count_star()));
    Ok(rows.load(conn).await?)
}
