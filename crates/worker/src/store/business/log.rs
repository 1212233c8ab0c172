use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{AbnormalityRow, EndorsementRow, LogKey};

use super::TableBatch;
use crate::schema::{abnormalities, endorsements};
use crate::store::{ROWS_PER_STATEMENT, StoreError, incoming};

pub async fn write_endorsements(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, LogKey, EndorsementRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &LogKey, &EndorsementRow)| {
            (
                endorsements::insure_num.eq(num.to_string()),
                endorsements::digest.eq(key.digest.to_string()),
                endorsements::occurrence.eq(key.occurrence),
                endorsements::status.eq(row.status),
                endorsements::success.eq(row.success),
                endorsements::msg.eq(row.msg.clone()),
                endorsements::remark.eq(row.remark.clone()),
            )
        };
        diesel::insert_into(endorsements::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            // A row of the log never changes.
            .set(incoming!(endorsements::status))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        let row = endorsements::table.find((num.as_str(), key.digest.as_str(), key.occurrence));
        diesel::delete(row).execute(conn).await?;
    }
    Ok(())
}

pub async fn write_abnormalities(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, LogKey, AbnormalityRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &LogKey, &AbnormalityRow)| {
            (
                abnormalities::insure_num.eq(num.to_string()),
                abnormalities::digest.eq(key.digest.to_string()),
                abnormalities::occurrence.eq(key.occurrence),
                abnormalities::fail_msg.eq(row.fail_msg.clone()),
            )
        };
        diesel::insert_into(abnormalities::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            // A row of the log never changes.
            .set(incoming!(abnormalities::fail_msg))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        let row = abnormalities::table.find((num.as_str(), key.digest.as_str(), key.occurrence));
        diesel::delete(row).execute(conn).await?;
    }
    Ok(())
}
