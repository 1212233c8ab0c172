use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;

use super::{ROWS_PER_STATEMENT, StoreError, incoming};
use crate::schema::holds;

/// Proposals with a held notice whose wait has ended, the longest overdue first.
pub async fn due(
    conn: &mut AsyncMysqlConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<InsureNum>, StoreError> {
    let names: Vec<String> = holds::table
        .select(holds::insure_num)
        .filter(holds::due_at.le(now.naive_utc()))
        .order(holds::due_at)
        .limit(limit)
        .load(conn)
        .await?;
    Ok(names
        .iter()
        .filter_map(|name| InsureNum::parse(name).ok().flatten())
        .collect())
}

pub async fn set(
    conn: &mut AsyncMysqlConnection,
    due: &[(&InsureNum, DateTime<Utc>)],
) -> Result<(), StoreError> {
    for chunk in due.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, at): &(&InsureNum, DateTime<Utc>)| -> (String, NaiveDateTime) {
            (num.to_string(), at.naive_utc())
        };
        let rows: Vec<_> = chunk
            .iter()
            .map(row)
            .map(|(num, at)| (holds::insure_num.eq(num), holds::due_at.eq(at)))
            .collect();
        diesel::insert_into(holds::table)
            .values(rows)
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(holds::due_at))
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub async fn clear(conn: &mut AsyncMysqlConnection, done: &[&InsureNum]) -> Result<(), StoreError> {
    for chunk in done.chunks(ROWS_PER_STATEMENT) {
        let names: Vec<&str> = chunk.iter().map(|num| num.as_str()).collect();
        diesel::delete(holds::table.filter(holds::insure_num.eq_any(names)))
            .execute(conn)
            .await?;
    }
    Ok(())
}
