use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{PersonKey, PersonRow, PolicyRow};

use super::TableBatch;
use crate::schema::{insured_persons, policies};
use crate::store::{ROWS_PER_STATEMENT, StoreError, incoming};

pub async fn write_policies(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, InsureNum, PolicyRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &InsureNum, &PolicyRow)| {
            (
                policies::insure_num.eq(num.to_string()),
                policies::policy_num.eq(key.to_string()),
                policies::product_id.eq(row.product_id),
                policies::product_name.eq(row.product_name.clone()),
                policies::plan_id.eq(row.plan_id),
                policies::plan_name.eq(row.plan_name.clone()),
                policies::applicant.eq(row.applicant.clone()),
                policies::start_date.eq(row.start_date),
                policies::end_date.eq(row.end_date),
                policies::cancelled.eq(row.cancelled),
            )
        };
        diesel::insert_into(policies::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(
                policies::product_id,
                policies::product_name,
                policies::plan_id,
                policies::plan_name,
                policies::applicant,
                policies::start_date,
                policies::end_date,
                policies::cancelled,
            ))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        diesel::delete(policies::table.find((num.as_str(), key.as_str())))
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub async fn write_insured_persons(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, PersonKey, PersonRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &PersonKey, &PersonRow)| {
            (
                insured_persons::insure_num.eq(num.to_string()),
                insured_persons::policy_num.eq(key.policy_num.to_string()),
                insured_persons::name.eq(key.name.clone()),
                insured_persons::cancelled.eq(row.cancelled),
            )
        };
        diesel::insert_into(insured_persons::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(insured_persons::cancelled))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        let row = insured_persons::table.find((num.as_str(), key.policy_num.as_str(), &key.name));
        diesel::delete(row).execute(conn).await?;
    }
    Ok(())
}
