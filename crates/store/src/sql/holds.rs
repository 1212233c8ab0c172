//! The earliest end of waits, by proposal.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::id::InsureNum;

use super::bulk::bulk_upsert;
use super::business::HoldRow;
use super::by_keys::{self, joined, numbers};
use crate::schema::holds;
use crate::{Connection, StoreError};

/// A proposal with a held notice, and the end of its earliest wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueHold {
    /// UTC: end of the earliest wait.
    pub due_at: NaiveDateTime,
    /// The proposal.
    pub insure_num: InsureNum,
}

/// Proposals with a held notice whose wait has ended, the longest overdue first, after `after`.
pub async fn due(
    conn: &mut Connection,
    now: DateTime<Utc>,
    after: Option<&DueHold>,
    limit: i64,
) -> Result<Vec<DueHold>, StoreError> {
    let mut query = holds::table
        .select((holds::due_at, holds::insure_num))
        .filter(holds::due_at.le(now.naive_utc()))
        .order((holds::due_at, holds::insure_num))
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        let later_number = holds::due_at
            .eq(after.due_at)
            .and(holds::insure_num.gt(after.insure_num.as_str()));
        query = query.filter(holds::due_at.gt(after.due_at).or(later_number));
    }
    let rows: Vec<(NaiveDateTime, String)> = query.load(conn).await?;
    let hold = |(due_at, name): (_, String)| {
        Some(DueHold {
            due_at,
            insure_num: InsureNum::parse(&name).ok()??,
        })
    };
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// Stores the end of the earliest wait of each proposal.
pub async fn set(conn: &mut Connection, due: &[(&InsureNum, DateTime<Utc>)]) -> Result<(), StoreError> {
    let rows: Vec<_> = due
        .iter()
        .map(|(num, at)| HoldRow {
            insure_num: num.to_string(),
            due_at: at.naive_utc(),
        })
        .collect();
    bulk_upsert(conn, &rows).await
}

/// Deletes the rows of proposals that wait no longer.
pub async fn clear(conn: &mut Connection, done: &[&InsureNum]) -> Result<(), StoreError> {
    by_keys::delete(conn, joined!("holds": text "insure_num"), &numbers(done)).await?;
    Ok(())
}
