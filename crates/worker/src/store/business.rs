//! Writing the business tables: the changes of many proposals in one statement a table.

mod log;
mod money;
mod policy;

use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{Changes, ProposalRow};

use super::{ROWS_PER_STATEMENT, StoreError, incoming};
use crate::schema::proposals;

/// The changes of one proposal.
pub struct ProposalChanges {
    pub insure_num: InsureNum,
    pub changes: Changes,
}

/// Upserts and deletions of one table, of many proposals.
struct TableBatch<'c, K, R> {
    upserts: Vec<(&'c InsureNum, &'c K, &'c R)>,
    deletes: Vec<(&'c InsureNum, &'c K)>,
}

/// Gathers one table's part of all changes.
macro_rules! batch {
    ($all:expr, $table:ident) => {{
        let mut batch = $crate::store::business::TableBatch {
            upserts: vec![],
            deletes: vec![],
        };
        for one in $all {
            let num = &one.insure_num;
            batch.upserts.extend(
                one.changes
                    .$table
                    .upserts
                    .iter()
                    .map(|(key, row)| (num, key, row)),
            );
            batch
                .deletes
                .extend(one.changes.$table.deletes.iter().map(|key| (num, key)));
        }
        batch
    }};
}

/// Writes all changes. The caller holds the locks of the proposals.
pub async fn write(conn: &mut AsyncMysqlConnection, all: &[ProposalChanges]) -> Result<(), StoreError> {
    write_proposals(conn, batch!(all, proposal)).await?;
    money::write_payments(conn, batch!(all, payments)).await?;
    money::write_cancellations(conn, batch!(all, cancellations)).await?;
    policy::write_policies(conn, batch!(all, policies)).await?;
    policy::write_insured_persons(conn, batch!(all, insured_persons)).await?;
    log::write_endorsements(conn, batch!(all, endorsements)).await?;
    log::write_abnormalities(conn, batch!(all, abnormalities)).await
}

async fn write_proposals(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, (), ProposalRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, (), row): &(&InsureNum, &(), &ProposalRow)| {
            (
                proposals::insure_num.eq(num.to_string()),
                proposals::partner_id.eq(row.partner_id.0),
                proposals::partner_unique_key.eq(row.partner_unique_key.clone()),
                proposals::case_code.eq(row.case_code.clone()),
                proposals::status.eq(row.status.map(|status| status.name())),
                proposals::e_policy_ready.eq(row.e_policy_ready),
                proposals::abnormal.eq(row.abnormal),
                proposals::reissued_from.eq(row.reissued_from.as_ref().map(InsureNum::to_string)),
                proposals::reissued_to.eq(row.reissued_to.as_ref().map(InsureNum::to_string)),
            )
        };
        diesel::insert_into(proposals::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(
                proposals::partner_id,
                proposals::partner_unique_key,
                proposals::case_code,
                proposals::status,
                proposals::e_policy_ready,
                proposals::abnormal,
                proposals::reissued_from,
                proposals::reissued_to,
            ))
            .execute(conn)
            .await?;
    }
    for (num, ()) in &batch.deletes {
        diesel::delete(proposals::table.find(num.as_str()))
            .execute(conn)
            .await?;
    }
    Ok(())
}
