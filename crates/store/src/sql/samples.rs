//! Counts for the gauges and for `xiebao status`, so that both report the same. Each uses an index and is bounded.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::stuck::{self, Stand};
use crate::{Connection, StoreError};

/// Cap on the proposals whose held notices are read; beyond it they are only counted.
const PROPOSALS_AT_MOST: i64 = 10_000;

/// A wait is overdue this long after its end. Sweeps are more frequent, but skip proposals that a worker has locked.
const OVERDUE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Proposals that reached their step earlier than this are not reported.
const STUCK_SINCE: TimeDelta = TimeDelta::days(7);

/// The notices that wait for their predecessors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Proposals with held notices.
    pub proposals: i64,
    /// The held notices of the 10,000 whose waits end first.
    pub by_type: Vec<HeldOfType>,
}

impl Held {
    /// The number of held notices of all types.
    pub fn notices(&self) -> i64 {
        self.by_type.iter().map(|row| row.held).sum()
    }

    /// Notices that should have been released half a minute ago.
    pub fn overdue(&self) -> i64 {
        self.by_type.iter().map(|row| row.overdue).sum()
    }

    /// The time at which the oldest of them was first held.
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        let oldest = self.by_type.iter().filter_map(|row| row.oldest).min();
        oldest.map(|at| at.and_utc())
    }
}

/// `counted_at_most` bounds the number of proposals counted, for callers that ask repeatedly.
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
    /// `notifyType` of the platform.
    #[diesel(sql_type = BigInt)]
    pub notify_type: i64,
    /// Number of held notices.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// The time at which the oldest of them was first held, UTC.
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

/// The number of proposals with held notices, which is the number of rows of `holds`, up to `at_most`.
async fn proposals_with_holds(conn: &mut Connection, at_most: i64) -> Result<i64, StoreError> {
    let query =
        diesel::sql_query("SELECT COUNT(*) AS `rows` FROM (SELECT insure_num FROM holds LIMIT ?) AS counted");
    let counted: Counted = query.bind::<BigInt, _>(at_most).get_result(conn).await?;
    Ok(counted.rows)
}

/// The held notices of the `proposals_at_most` proposals whose waits end first; those that should have been released
/// before `should_have_gone` are overdue. The join order is forced from the small table to the key of the large one:
/// with outdated statistics the server might read all of the large one.
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

/// The number of proposals with a cancellation that names a person who is in no policy, up to `at_most`.
pub async fn unmatched(conn: &mut Connection, at_most: i64) -> Result<i64, StoreError> {
    let query = diesel::sql_query(
        "SELECT COUNT(*) AS `rows` FROM (SELECT DISTINCT insure_num FROM unmatched_persons LIMIT ?) AS counted",
    );
    let counted: Counted = query.bind::<BigInt, _>(at_most).get_result(conn).await?;
    Ok(counted.rows)
}

/// Open dead letters by reason, `at_most` in all. Only an index is read.
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
