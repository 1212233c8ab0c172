use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Pruned;

use crate::schema::notices;
use crate::{Connection, StoreError};

/// Writes the deliveries of a pruned notice. The caller holds the lock of its proposal.
pub async fn recount(conn: &mut Connection, num: &InsureNum, known: &Pruned) -> Result<(), StoreError> {
    let row = notices::table
        .filter(notices::insure_num.eq(num.as_str()))
        .filter(notices::notify_type.eq(known.notify_type.0))
        .filter(notices::digest.eq(known.digest.as_str()))
        .filter(notices::occurrence.eq(known.occurrence));
    let deliveries = &known.deliveries;
    diesel::update(row)
        .set((
            notices::received_at.eq(deliveries.first.naive_utc()),
            notices::last_received_at.eq(deliveries.last.naive_utc()),
            notices::deliveries.eq(deliveries.count),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
