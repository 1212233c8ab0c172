use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{CancellationRow, FactKey, PaymentRow};

use super::TableBatch;
use crate::schema::{cancellations, payments};
use crate::store::{ROWS_PER_STATEMENT, StoreError, incoming};

pub async fn write_payments(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, FactKey, PaymentRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &FactKey, &PaymentRow)| {
            (
                payments::insure_num.eq(num.to_string()),
                payments::fact.eq(key.0.clone()),
                payments::success.eq(row.success),
                payments::price_fen.eq(row.price_fen),
                payments::gateway.eq(row.gateway),
                payments::pay_time.eq(row.pay_time),
                payments::fail_msg.eq(row.fail_msg.clone()),
                payments::new_money.eq(row.new_money),
            )
        };
        diesel::insert_into(payments::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            // The rest is the row's identity.
            .set(incoming!(payments::fail_msg))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        diesel::delete(payments::table.find((num.as_str(), &key.0)))
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub async fn write_cancellations(
    conn: &mut AsyncMysqlConnection,
    batch: TableBatch<'_, FactKey, CancellationRow>,
) -> Result<(), StoreError> {
    for chunk in batch.upserts.chunks(ROWS_PER_STATEMENT) {
        let row = |(num, key, row): &(&InsureNum, &FactKey, &CancellationRow)| {
            (
                cancellations::insure_num.eq(num.to_string()),
                cancellations::fact.eq(key.0.clone()),
                cancellations::notify_type.eq(row.notify_type),
                cancellations::success.eq(row.success),
                cancellations::insurants.eq(row.insurants.clone()),
                cancellations::new_insure_num.eq(row.new_insure_num.as_ref().map(InsureNum::to_string)),
                cancellations::cancel_msg.eq(row.cancel_msg.clone()),
                cancellations::fail_msg.eq(row.fail_msg.clone()),
            )
        };
        diesel::insert_into(cancellations::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            // The rest is the row's identity.
            .set(incoming!(cancellations::cancel_msg, cancellations::fail_msg))
            .execute(conn)
            .await?;
    }
    for (num, key) in &batch.deletes {
        diesel::delete(cancellations::table.find((num.as_str(), &key.0)))
            .execute(conn)
            .await?;
    }
    Ok(())
}
