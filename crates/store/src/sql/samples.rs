//! Counts for the gauges and for `xiebao status`, so that both tell the same. Each goes through an index, and has a bound.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::stuck::{self, Stand};
use crate::{Connection, StoreError};

/// Proposals with held notices that are looked into at most; more are only counted.
const PROPOSALS_AT_MOST: i64 = 10_000;

/// How long after its end a wait is overdue: sweeps come more often, and pass over what somebody is busy with.
const OVERDUE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// How far back a proposal came to the step where it stands: what is older is no news.
const STUCK_SINCE: TimeDelta = TimeDelta::days(7);

/// What waits for its predecessors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Proposals with held notices.
    pub proposals: i64,
    /// The held notices of the 10,000 whose waits end first.
    pub by_type: Vec<HeldOfType>,
}

impl Held {
    pub fn notices(&self) -> i64 {
        self.by_type.iter().map(|row| row.held).sum()
    }

    /// Those that ought to have gone half a minute ago.
    pub fn overdue(&self) -> i64 {
        self.by_type.iter().map(|row| row.overdue).sum()
    }

    /// When the oldest of them was first held.
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        let oldest = self.by_type.iter().filter_map(|row| row.oldest).min();
        oldest.map(|at| at.and_utc())
    }
}

/// `counted_at_most`: a bound on the proposals, for what asks again and again.
pub async fn held(
    conn: &mut Connection,
    now: DateTime<Utc>,
    counted_at_most: i64,
) -> Result<Held, StoreError> {
    Ok(Held {
        proposals: proposals_with_holds(conn, counted_at_most).await?,
        by_type: held_by_type(conn, now - OVERDUE_AFTER, PROPOSALS_AT_MOST).await?,
    })
}

/// Proposals that were paid in the last 7 days and have not been issued for longer than `after`: 已支付未出单.
pub async fn paid_not_issued(
    conn: &mut Connection,
    now: DateTime<Utc>,
    after: Duration,
) -> Result<stuck::Count, StoreError> {
    let before = now - TimeDelta::from_std(after).unwrap_or(STUCK_SINCE);
    stuck::count(conn, Stand::Paid, (now - STUCK_SINCE).naive_utc(), before).await
}

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
async fn proposals_with_holds(conn: &mut Connection, at_most: i64) -> Result<i64, StoreError> {
    let query =
        diesel::sql_query("SELECT COUNT(*) AS `rows` FROM (SELECT insure_num FROM holds LIMIT ?) AS counted");
    let counted: Counted = query.bind::<BigInt, _>(at_most).get_result(conn).await?;
    Ok(counted.rows)
}

/// What is held in the `proposals_at_most` proposals whose waits end first; overdue is what should have gone before
/// `should_have_gone`. From the small table to the large one by its key, whatever the server thinks better: by old statistics
/// it might read all of the large one.
async fn held_by_type(
    conn: &mut Connection,
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
    conn: &mut Connection,
    at_most: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let query = diesel::sql_query(
        "SELECT reason, COUNT(*) AS `rows` FROM \
         (SELECT reason FROM dead_letters WHERE status = 'open' LIMIT ?) AS counted GROUP BY reason",
    );
    let counted: Vec<CountedByReason> = query.bind::<BigInt, _>(at_most).load(conn).await?;
    Ok(counted.into_iter().map(|row| (row.reason, row.rows)).collect())
}
