use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;

use super::StoreError;
use super::business::HoldRow;
use super::kept::{OneOf, lists, one_of, upsert};
use crate::schema::holds;

/// A proposal with a held notice, and when the earliest wait there ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueHold {
    pub due_at: NaiveDateTime,
    pub insure_num: InsureNum,
}

/// Proposals with a held notice whose wait has ended, the longest overdue first, from behind `after`.
pub async fn due(
    conn: &mut AsyncMysqlConnection,
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

pub async fn set(
    conn: &mut AsyncMysqlConnection,
    due: &[(&InsureNum, DateTime<Utc>)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = due
        .iter()
        .map(|(num, at)| HoldRow {
            insure_num: num.to_string(),
            due_at: at.naive_utc(),
        })
        .collect();
    upsert(conn, &rows).await
}

pub async fn clear(conn: &mut AsyncMysqlConnection, done: &[&InsureNum]) -> Result<(), StoreError> {
    let names: Vec<&str> = done.iter().map(|num| num.as_str()).collect();
    for list in lists(&names) {
        Clear(one_of(holds::insure_num, list)).execute(conn).await?;
    }
    Ok(())
}

/// Deletes rows. The index is named because the table is often so small that the server would look through all of it, and
/// wait for rows that others are writing.
#[derive(Debug)]
struct Clear<'n>(OneOf<'n, holds::insure_num>);

impl QueryFragment<Mysql> for Clear<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("DELETE `holds` FROM `holds` FORCE INDEX (PRIMARY) WHERE ");
        self.0.walk_ast(out)
    }
}

/// Kept by its text.
impl QueryId for Clear<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
