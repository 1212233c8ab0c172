//! The whole inbox, page by page.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use xiebao_core::id::{InsureNum, NotifyType};

use super::{NoticeOutcome, NoticeRow};
use crate::schema::notices;
use crate::{Connection, StoreError};

/// The first `limit` proposals after `after` that have notices.
pub async fn proposals(conn: &mut Connection, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let numbers = notices::table
        .filter(notices::insure_num.gt(after))
        .select(notices::insure_num)
        .distinct()
        .order(notices::insure_num)
        .limit(limit);
    Ok(numbers.load(conn).await?)
}

/// The same, of notices of one type.
pub async fn proposals_with_type(
    conn: &mut Connection,
    notify_type: NotifyType,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let numbers = notices::table
        .filter(notices::insure_num.gt(after))
        .filter(notices::notify_type.eq(notify_type.0))
        .select(notices::insure_num)
        .distinct()
        .order(notices::insure_num)
        .limit(limit);
    Ok(numbers.load(conn).await?)
}

/// The applied notices of that type of these proposals, except voided ones. `raw` is empty if pruned.
pub async fn counted_of_type(
    conn: &mut Connection,
    proposals: &[&str],
    notify_type: NotifyType,
) -> Result<Vec<NoticeRow>, StoreError> {
    let rows = notices::table
        .filter(notices::insure_num.eq_any(proposals))
        .filter(notices::notify_type.eq(notify_type.0))
        .filter(notices::outcome.eq(NoticeOutcome::Applied))
        .filter(notices::voided.eq(false))
        .select(NoticeRow::as_select());
    Ok(rows.load(conn).await?)
}

/// Proposal and digest of the applied notices whose digest begins with these hex digits.
pub async fn applied_by_digest(
    conn: &mut Connection,
    beginning: &str,
    proposal: Option<&InsureNum>,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut rows = notices::table
        .filter(notices::outcome.eq(NoticeOutcome::Applied))
        .filter(notices::digest.like(format!("{beginning}%")))
        .select((notices::insure_num, notices::digest))
        .distinct()
        .into_boxed();
    if let Some(num) = proposal {
        rows = rows.filter(notices::insure_num.eq(num.as_str()));
    }
    Ok(rows.load(conn).await?)
}

/// The number of ignored notices of that type, with and without bodies. Scans the whole table.
pub async fn count_ignored(conn: &mut Connection, of: NotifyType) -> Result<(i64, i64), StoreError> {
    let rows = notices::table
        .filter(notices::notify_type.eq(of.0))
        .filter(notices::outcome.eq(NoticeOutcome::Ignored))
        .select((
            sql::<BigInt>("CAST(COALESCE(SUM(pruned_at IS NULL OR raw <> ''), 0) AS SIGNED)"),
            sql::<BigInt>("CAST(COALESCE(SUM(pruned_at IS NOT NULL AND raw = ''), 0) AS SIGNED)"),
        ));
    Ok(rows.get_result(conn).await?)
}

/// The first `limit` of them after that proposal and digest.
pub async fn ignored_of_type(
    conn: &mut Connection,
    of: NotifyType,
    after: &(String, String),
    limit: i64,
) -> Result<Vec<NoticeRow>, StoreError> {
    let (insure_num, digest) = after;
    let later = notices::insure_num.gt(insure_num).or(notices::digest.gt(digest));
    let rows = notices::table
        .filter(notices::notify_type.eq(of.0))
        .filter(notices::outcome.eq(NoticeOutcome::Ignored))
        .filter(notices::insure_num.ge(insure_num))
        .filter(later)
        .order((notices::insure_num, notices::digest))
        .limit(limit)
        .select(NoticeRow::as_select());
    Ok(rows.load(conn).await?)
}

/// Deletes a notice from the inbox if it is still ignored; `false` if it is not.
pub async fn remove_ignored(
    conn: &mut Connection,
    insure_num: &str,
    of: NotifyType,
    digest: &str,
) -> Result<bool, StoreError> {
    let row = notices::table
        .filter(notices::insure_num.eq(insure_num))
        .filter(notices::notify_type.eq(of.0))
        .filter(notices::digest.eq(digest))
        .filter(notices::outcome.eq(NoticeOutcome::Ignored));
    Ok(diesel::delete(row).execute(conn).await? > 0)
}
