//! Row locks on proposals.

use std::collections::BTreeSet;

use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel_async::RunQueryDsl;
use xiebao_core::id::InsureNum;

use super::bulk::{Row, bulk_row, bulk_upsert};
use crate::connection::Writers;
use crate::schema::proposal_locks;
use crate::{Connection, StoreError};

/// Locks proposals until the transaction ends and creates the missing rows. Locks are taken in the given order, which
/// must be sorted, as everywhere.
///
/// Where several nodes take writes, the rows also change: of two transactions with a row in common, the second one to
/// commit then fails with a conflict. This must precede every read that the transaction acts on.
pub async fn acquire(conn: &mut Connection, sorted: &[&InsureNum]) -> Result<(), StoreError> {
    let names = sorted.iter().map(|num| LockRow {
        insure_num: num.as_str(),
    });
    match conn.writers() {
        Writers::One => bulk_upsert(conn, &names.collect::<Vec<_>>()).await,
        Writers::EachNode => bulk_upsert(conn, &names.map(ChangedLockRow).collect::<Vec<_>>()).await,
    }
}

struct LockRow<'n> {
    insure_num: &'n str,
}

bulk_row!(LockRow<'_> => proposal_locks { insure_num } updating { insure_num });

/// An upsert that leaves a row as it was is not replicated, so no node would notice it.
struct ChangedLockRow<'n>(LockRow<'n>);

impl Row for ChangedLockRow<'_> {
    const INSERT: &'static str = LockRow::INSERT;
    const UPDATE: &'static str = " ON DUPLICATE KEY UPDATE `version` = `version` + 1";

    fn bind<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.bind(out)
    }
}

/// Creates the missing rows without waiting for rows that are locked: for [`acquire_free`], which finds no proposal
/// without a row.
pub async fn make(conn: &mut Connection, sorted: &[InsureNum]) -> Result<(), StoreError> {
    let names: Vec<&str> = sorted.iter().map(InsureNum::as_str).collect();
    let there: Vec<String> = proposal_locks::table
        .select(proposal_locks::insure_num)
        .filter(proposal_locks::insure_num.eq_any(names))
        .load(conn)
        .await?;
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    let missing: Vec<&InsureNum> = sorted
        .iter()
        .filter(|num| !there.contains(num.as_str()))
        .collect();
    acquire(conn, &missing).await
}

/// Locks the given proposals that nobody else has locked, and returns them.
pub async fn acquire_free(conn: &mut Connection, sorted: &[InsureNum]) -> Result<Vec<InsureNum>, StoreError> {
    let names: Vec<&str> = sorted.iter().map(InsureNum::as_str).collect();
    let free: Vec<String> = proposal_locks::table
        .select(proposal_locks::insure_num)
        .filter(proposal_locks::insure_num.eq_any(names))
        .order(proposal_locks::insure_num)
        .for_update()
        .skip_locked()
        .load(conn)
        .await?;
    let free: Vec<InsureNum> = sorted
        .iter()
        .filter(|num| free.iter().any(|name| name == num.as_str()))
        .cloned()
        .collect();
    if conn.writers() == Writers::EachNode {
        acquire(conn, &free.iter().collect::<Vec<_>>()).await?;
    }
    Ok(free)
}
