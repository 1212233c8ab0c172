//! Held notices, found through the small table of holds.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::NoticeOutcome;
use crate::schema::{holds, notices};
use crate::{Connection, StoreError};

/// A held notice, for listing.
#[derive(Debug, Clone, Queryable)]
pub struct HeldRow {
    /// Proposal number.
    pub insure_num: String,
    /// `notifyType` of the platform.
    pub notify_type: i64,
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: String,
    /// UTC: when it was first held.
    pub held_at: Option<NaiveDateTime>,
    /// UTC: end of its wait.
    pub hold_until: Option<NaiveDateTime>,
}

/// Held notices, earliest due first.
pub async fn held(conn: &mut Connection, limit: i64) -> Result<Vec<HeldRow>, StoreError> {
    let rows = holds::table
        .inner_join(notices::table.on(notices::insure_num.eq(holds::insure_num)))
        .filter(notices::outcome.eq(NoticeOutcome::Held))
        .order((holds::due_at, notices::insure_num, notices::hold_until))
        .limit(limit)
        .select((
            notices::insure_num,
            notices::notify_type,
            notices::digest,
            notices::held_at,
            notices::hold_until,
        ));
    Ok(rows.load(conn).await?)
}

/// Proposal and digest of the held notices whose digest begins with these hex digits.
pub async fn held_by_digest(
    conn: &mut Connection,
    beginning: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = holds::table
        .inner_join(notices::table.on(notices::insure_num.eq(holds::insure_num)))
        .filter(notices::outcome.eq(NoticeOutcome::Held))
        .filter(notices::digest.like(format!("{beginning}%")))
        .select((notices::insure_num, notices::digest));
    Ok(rows.distinct().load(conn).await?)
}
