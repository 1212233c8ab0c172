use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;

use super::{ROWS_PER_STATEMENT, StoreError, incoming};
use crate::schema::proposal_locks;

/// Locks proposals until the transaction ends, making the rows that do not exist yet. In the order given, which is
/// to be the same everywhere: sorted.
pub async fn acquire(conn: &mut AsyncMysqlConnection, sorted: &[&InsureNum]) -> Result<(), StoreError> {
    for chunk in sorted.chunks(ROWS_PER_STATEMENT) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|num| proposal_locks::insure_num.eq(num.as_str()))
            .collect();
        diesel::insert_into(proposal_locks::table)
            .values(rows)
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(proposal_locks::insure_num))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Of the proposals given, locks those that nobody else has locked, and returns them.
pub async fn acquire_free(
    conn: &mut AsyncMysqlConnection,
    sorted: &[InsureNum],
) -> Result<Vec<InsureNum>, StoreError> {
    let names: Vec<&str> = sorted.iter().map(InsureNum::as_str).collect();
    let free: Vec<String> = proposal_locks::table
        .select(proposal_locks::insure_num)
        .filter(proposal_locks::insure_num.eq_any(names))
        .order(proposal_locks::insure_num)
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    Ok(sorted
        .iter()
        .filter(|num| free.iter().any(|name| name == num.as_str()))
        .cloned()
        .collect())
}
