//! Emptying old bodies. Everything else of a row stays: key, outcome, `seq`, times and count.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime};
use diesel_async::RunQueryDsl;

use super::dead_letters::DeadLetterStatus;
use super::notices::NoticeOutcome;
use super::{dead_letters as letters_store, notices as notices_store};
use crate::schema::{dead_letters, notices, operations, policies, reissue_outbox, unmatched_persons};
use crate::{Connection, StoreError};

/// The notices of one proposal, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Sum {
    /// The proposal.
    pub insure_num: String,
    /// Notices with bodies.
    pub whole: i64,
    /// The size of these bodies.
    pub bytes: i64,
    /// Held notices.
    pub held: i64,
    /// Notices that are applied or held.
    pub counted: i64,
    /// The time at which the last of them arrived or was applied.
    pub last_at: NaiveDateTime,
}

impl Sum {
    /// True if there is a body to empty and no notice arrived or was applied since.
    pub fn is_old(&self, before: DateTime<Utc>) -> bool {
        self.whole > 0 && self.held == 0 && self.last_at < before.naive_utc()
    }
}

macro_rules! sums {
    ($rows:expr) => {
        $rows.group_by(notices::insure_num).select((
            notices::insure_num,
            sql::<BigInt>("CAST(SUM(pruned_at IS NULL OR raw <> '') AS SIGNED)"),
            sql::<BigInt>("CAST(SUM(LENGTH(raw)) AS SIGNED)"),
            sql::<BigInt>("CAST(SUM(outcome = 'held') AS SIGNED)"),
            sql::<BigInt>("CAST(SUM(outcome <> 'ignored') AS SIGNED)"),
            sql::<Datetime>("MAX(GREATEST(last_received_at, COALESCE(applied_at, last_received_at)))"),
        ))
    };
}

/// The first `limit` proposals after `after`, in the order of the table.
pub async fn page(conn: &mut Connection, after: &str, limit: i64) -> Result<Vec<Sum>, StoreError> {
    let rows = sums!(notices::table.filter(notices::insure_num.gt(after)));
    Ok(rows.order(notices::insure_num).limit(limit).load(conn).await?)
}

/// The given proposals that have notices.
pub async fn sums(conn: &mut Connection, names: &[String]) -> Result<Vec<Sum>, StoreError> {
    let rows = sums!(notices::table.filter(notices::insure_num.eq_any(names)));
    Ok(rows.load(conn).await?)
}

/// The given proposals with open work, or with work since then: a dead letter, an undelivered link, an unmatched person,
/// an operation in the log.
pub async fn unsettled(
    conn: &mut Connection,
    names: &[String],
    before: DateTime<Utc>,
) -> Result<BTreeSet<String>, StoreError> {
    let before = before.naive_utc();
    let recent = dead_letters::last_dead_at.ge(before);
    let letters = dead_letters::table
        .filter(dead_letters::insure_num.eq_any(names))
        .filter(dead_letters::status.eq(DeadLetterStatus::Open).or(recent))
        .select(dead_letters::insure_num.assume_not_null());
    let mut all: Vec<String> = letters.load(conn).await?;
    let links = reissue_outbox::table
        .filter(reissue_outbox::insure_num.eq_any(names))
        .select(reissue_outbox::insure_num);
    all.extend(links.load::<String>(conn).await?);
    let unmatched = unmatched_persons::table
        .filter(unmatched_persons::insure_num.eq_any(names))
        .select(unmatched_persons::insure_num);
    all.extend(unmatched.load::<String>(conn).await?);
    let operations_since = operations::table
        .filter(operations::insure_num.eq_any(names))
        .filter(operations::at.ge(before))
        .select(operations::insure_num.assume_not_null());
    all.extend(operations_since.load::<String>(conn).await?);
    Ok(all.into_iter().collect())
}

/// The given proposals with a policy whose cover had not ended by then, because more notices may come. Cover without a
/// stated end does not end.
pub async fn in_force(
    conn: &mut Connection,
    names: &[String],
    before: DateTime<Utc>,
) -> Result<BTreeSet<String>, StoreError> {
    let ends_later = policies::end_date.ge(beijing_day(before));
    let rows = policies::table
        .filter(policies::insure_num.eq_any(names))
        .filter(policies::cancelled.eq(false))
        .filter(policies::end_date.is_null().or(ends_later.assume_not_null()))
        .select(policies::insure_num);
    Ok(rows.load::<String>(conn).await?.into_iter().collect())
}

fn beijing_day(at: DateTime<Utc>) -> NaiveDate {
    const BEIJING: i32 = 8 * 3600;
    FixedOffset::east_opt(BEIJING).map_or(at.date_naive(), |offset| at.with_timezone(&offset).date_naive())
}

/// Empties the bodies of the notices of these proposals and returns their number. With `ignored_only` the caller needs
/// no lock, and only ignored notices, on which nothing depends, are emptied.
pub async fn empty(
    conn: &mut Connection,
    names: &[String],
    ignored_only: bool,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let rows = notices::table
        .filter(notices::insure_num.eq_any(names))
        .filter(notices_store::whole())
        .filter(notices::outcome.ne(NoticeOutcome::Held))
        .filter(notices::last_received_at.lt(before.naive_utc()));
    let emptied = (
        notices::raw.eq(Vec::<u8>::new()),
        notices::pruned_at.eq(now.naive_utc()),
    );
    let count = if ignored_only {
        let rows = rows.filter(notices::outcome.eq(NoticeOutcome::Ignored));
        diesel::update(rows).set(emptied).execute(conn).await?
    } else {
        diesel::update(rows).set(emptied).execute(conn).await?
    };
    Ok(count)
}

/// A dead letter or a notice without a number, and the size of its body.
pub type Weighed<K> = (K, i64);

/// The old notices with bodies that name no proposal, after that type and digest.
pub async fn nameless(
    conn: &mut Connection,
    before: DateTime<Utc>,
    after: &(i64, String),
    limit: i64,
) -> Result<Vec<Weighed<(i64, String)>>, StoreError> {
    let (notify_type, digest) = after;
    let later = notices::notify_type.gt(notify_type).or(notices::notify_type
        .eq(notify_type)
        .and(notices::digest.gt(digest)));
    let rows = notices::table
        .filter(notices::insure_num.eq(""))
        .filter(later)
        .filter(notices::outcome.eq(NoticeOutcome::Ignored))
        .filter(notices_store::whole())
        .filter(notices::last_received_at.lt(before.naive_utc()))
        .order((notices::notify_type, notices::digest))
        .limit(limit)
        .select((
            (notices::notify_type, notices::digest),
            sql::<BigInt>("CAST(LENGTH(raw) AS SIGNED)"),
        ));
    Ok(rows.load(conn).await?)
}

/// Empties one of them; `false` if a copy arrived meanwhile.
pub async fn empty_nameless(
    conn: &mut Connection,
    (notify_type, digest): &(i64, String),
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let row = notices::table
        .filter(notices::insure_num.eq(""))
        .filter(notices::notify_type.eq(notify_type))
        .filter(notices::digest.eq(digest))
        .filter(notices::outcome.eq(NoticeOutcome::Ignored))
        .filter(notices_store::whole())
        .filter(notices::last_received_at.lt(before.naive_utc()));
    let emptied = (
        notices::raw.eq(Vec::<u8>::new()),
        notices::pruned_at.eq(now.naive_utc()),
    );
    Ok(diesel::update(row).set(emptied).execute(conn).await? > 0)
}

/// The closed dead letters with bodies whose last failure was before then, after that id.
pub async fn letters(
    conn: &mut Connection,
    before: DateTime<Utc>,
    after: i64,
    limit: i64,
) -> Result<Vec<Weighed<i64>>, StoreError> {
    let rows = dead_letters::table
        .filter(dead_letters::id.gt(after))
        .filter(dead_letters::status.ne(DeadLetterStatus::Open))
        .filter(letters_store::whole())
        .filter(dead_letters::last_dead_at.lt(before.naive_utc()))
        .order(dead_letters::id)
        .limit(limit)
        .select((dead_letters::id, sql::<BigInt>("CAST(LENGTH(body) AS SIGNED)")));
    Ok(rows.load(conn).await?)
}

/// Empties the bodies of the letters that are still closed and old, and returns those letters. Call it in a
/// transaction.
pub async fn empty_letters(
    conn: &mut Connection,
    ids: &[i64],
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Weighed<i64>>, StoreError> {
    let closed = dead_letters::table
        .filter(dead_letters::id.eq_any(ids))
        .filter(dead_letters::status.ne(DeadLetterStatus::Open))
        .filter(letters_store::whole())
        .filter(dead_letters::last_dead_at.lt(before.naive_utc()))
        .select((dead_letters::id, sql::<BigInt>("CAST(LENGTH(body) AS SIGNED)")))
        .for_update();
    let closed: Vec<Weighed<i64>> = closed.load(conn).await?;
    let emptied = (
        dead_letters::body.eq(Vec::<u8>::new()),
        dead_letters::pruned_at.eq(now.naive_utc()),
    );
    let rows = dead_letters::table.filter(dead_letters::id.eq_any(closed.iter().map(|(id, _)| *id)));
    diesel::update(rows).set(emptied).execute(conn).await?;
    Ok(closed)
}
