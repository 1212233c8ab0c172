//! Refused requests: a record for people, bounded in age and in rows.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Datetime, Nullable, Text};
use diesel_async::RunQueryDsl;
use xiebao_core::refused::Refused;

use crate::schema::refused_requests;
use crate::{Connection, StoreError};

#[derive(Debug, Insertable)]
#[diesel(table_name = refused_requests)]
struct NewRow<'r> {
    id: &'r str,
    first_at: NaiveDateTime,
    last_at: NaiveDateTime,
    tries: i64,
    verdict: &'r str,
    source: Option<&'r str>,
    insure_num: Option<&'r str>,
    notify_type: Option<i64>,
    partner_id: Option<i64>,
    digest: Option<&'r str>,
}

/// Stores records; an existing one stays as it is.
pub async fn file(conn: &mut Connection, records: &[Refused]) -> Result<(), StoreError> {
    let rows: Vec<NewRow<'_>> = records.iter().map(NewRow::of).collect();
    diesel::insert_into(refused_requests::table)
        .values(&rows)
        .on_conflict(diesel::dsl::DuplicatedKeys)
        .do_update()
        .set(refused_requests::id.eq(refused_requests::id))
        .execute(conn)
        .await?;
    Ok(())
}

impl<'r> NewRow<'r> {
    fn of(record: &'r Refused) -> Self {
        Self {
            id: &record.id,
            first_at: record.first_at.naive_utc(),
            last_at: record.last_at.naive_utc(),
            tries: record.tries,
            verdict: &record.verdict,
            source: record.source.as_deref(),
            insure_num: record.insure_num.as_deref(),
            notify_type: record.notify_type,
            partner_id: record.partner_id,
            digest: record.digest.as_deref(),
        }
    }
}

/// Cap on unverified records, which anyone can forge, as a share of the room.
const CLAIMED_PERCENT: i64 = 90;

/// Deletes up to `at_most` rows: those last tried before then, and the oldest beyond `rows`. Unverified records go
/// first, and may fill nine tenths of the room. Returns the number of deleted rows. Concurrent callers delete the same
/// rows and no more.
pub async fn trim(
    conn: &mut Connection,
    before: DateTime<Utc>,
    rows: i64,
    at_most: i64,
) -> Result<usize, StoreError> {
    let old = "DELETE FROM refused_requests WHERE last_at < ? ORDER BY last_at LIMIT ?";
    let old = diesel::sql_query(old)
        .bind::<Datetime, _>(before.naive_utc())
        .bind::<BigInt, _>(at_most);
    let mut gone = old.execute(conn).await?;
    let (all, authentic): (i64, i64) = refused_requests::table
        .select((count_star(), diesel::dsl::count(refused_requests::digest)))
        .get_result(conn)
        .await?;
    let claimed_room = (rows - authentic).clamp(0, rows * CLAIMED_PERCENT / 100);
    for (which, count, room) in [
        ("digest IS NULL", all - authentic, claimed_room),
        ("digest IS NOT NULL", authentic, rows),
    ] {
        let left = at_most - i64::try_from(gone).unwrap_or(at_most);
        if left > 0 && count > room {
            gone += trim_beyond(conn, which, room, left).await?;
        }
    }
    Ok(gone)
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Datetime)]
    last_at: NaiveDateTime,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Deletes the oldest rows beyond the newest `room`.
async fn trim_beyond(
    conn: &mut Connection,
    which: &str,
    room: i64,
    at_most: i64,
) -> Result<usize, StoreError> {
    let first = format!(
        "SELECT last_at, id FROM refused_requests WHERE {which} ORDER BY last_at DESC, id DESC LIMIT 1 OFFSET {room}"
    );
    let first: Vec<Last> = diesel::sql_query(first).load(conn).await?;
    let Some(Last { last_at, id }) = first.into_iter().next() else {
        return Ok(0);
    };
    let delete = format!(
        "DELETE FROM refused_requests WHERE {which} AND (last_at < ? OR (last_at = ? AND id <= ?)) \
         ORDER BY last_at LIMIT ?"
    );
    let delete = diesel::sql_query(delete)
        .bind::<Datetime, _>(last_at)
        .bind::<Datetime, _>(last_at)
        .bind::<Text, _>(id)
        .bind::<BigInt, _>(at_most);
    Ok(delete.execute(conn).await?)
}

/// Refused requests that claim to be the same notice.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Group {
    /// Claimed proposal number.
    #[diesel(sql_type = Nullable<Text>)]
    pub insure_num: Option<String>,
    /// Claimed notice type.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub notify_type: Option<i64>,
    /// Claimed partner.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub partner_id: Option<i64>,
    /// Digest of an authentic notice.
    #[diesel(sql_type = Nullable<Text>)]
    pub digest: Option<String>,
    #[diesel(sql_type = Text)]
    pub verdict: String,
    /// One of their source addresses.
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
    /// Number of distinct source addresses.
    #[diesel(sql_type = BigInt)]
    pub sources: i64,
    /// UTC: first request.
    #[diesel(sql_type = Datetime)]
    pub first_at: NaiveDateTime,
    /// UTC: last request.
    #[diesel(sql_type = Datetime)]
    pub last_at: NaiveDateTime,
    /// Number of requests.
    #[diesel(sql_type = BigInt)]
    pub tries: i64,
    /// True if the notice has arrived since: the same one or, if nothing is verified, one of that proposal and type at
    /// or after that time.
    #[diesel(sql_type = Bool)]
    pub arrived: bool,
}

impl Group {
    /// True if the request says which notice it was, so that the notice can be missing.
    pub fn says_which(&self) -> bool {
        self.digest.is_some() || (self.insure_num.is_some() && self.notify_type.is_some())
    }
}

/// Selects groups. Times are UTC.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Tried at or after this time.
    pub since: Option<NaiveDateTime>,
    pub verdict: Option<String>,
    /// Only notices that have not arrived since.
    pub missing: bool,
    /// Verified requests come first, so that a limit keeps them; requests that can never say which notice they were are
    /// left out unless their verdict is asked for.
    pub for_platform: bool,
}

/// Verdicts given before the body is read.
const NAMELESS: &str = "'not_allowed', 'too_large'";

/// Maximum difference between the clocks of receivers.
const SLACK: &str = "INTERVAL 1 MINUTE";

/// The matching groups, last tried first; for the platform, verified ones first.
pub async fn groups(conn: &mut Connection, filter: &Filter, limit: i64) -> Result<Vec<Group>, StoreError> {
    let missing = if filter.missing { "WHERE NOT arrived" } else { "" };
    let (named, order) = match (filter.for_platform, &filter.verdict) {
        (true, None) => (format!("AND verdict NOT IN ({NAMELESS})"), "digest IS NULL, "),
        (true, Some(_)) => (String::new(), "digest IS NULL, "),
        (false, _) => (String::new(), ""),
    };
    let query = format!(
        "SELECT * FROM (SELECT seen.*, CAST(CASE WHEN digest IS NOT NULL THEN \
           EXISTS (SELECT 1 FROM notices n WHERE n.insure_num = COALESCE(seen.insure_num, '') \
             AND n.notify_type = seen.notify_type AND n.digest = seen.digest) \
           OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.digest = seen.digest) \
         ELSE EXISTS (SELECT 1 FROM notices n WHERE n.insure_num = seen.insure_num \
             AND n.notify_type = seen.notify_type AND n.last_received_at >= seen.first_at - {SLACK}) \
           OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.insure_num = seen.insure_num \
             AND d.notify_type = seen.notify_type AND d.last_dead_at >= seen.first_at - {SLACK}) \
         END AS SIGNED) AS arrived FROM \
         (SELECT insure_num, notify_type, partner_id, digest, verdict, MIN(source) AS source, \
           COUNT(DISTINCT source) AS sources, MIN(first_at) AS first_at, MAX(last_at) AS last_at, \
           CAST(SUM(tries) AS SIGNED) AS tries FROM refused_requests \
           WHERE last_at >= ? AND (? = '' OR verdict = ?) {named} \
           GROUP BY insure_num, notify_type, partner_id, digest, verdict) AS seen) AS told {missing} \
         ORDER BY {order}last_at DESC, insure_num LIMIT ?"
    );
    let verdict = filter.verdict.clone().unwrap_or_default();
    let query = diesel::sql_query(query)
        .bind::<Datetime, _>(filter.since.unwrap_or_default())
        .bind::<Text, _>(verdict.clone())
        .bind::<Text, _>(verdict)
        .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}

/// The number of requests refused since then, by verdict.
pub async fn count(conn: &mut Connection, since: DateTime<Utc>) -> Result<Vec<(String, i64)>, StoreError> {
    use diesel::dsl::sql;
    let rows = refused_requests::table
        .filter(refused_requests::last_at.ge(since.naive_utc()))
        .group_by(refused_requests::verdict)
        .select((
            refused_requests::verdict,
            sql::<BigInt>("CAST(SUM(tries) AS SIGNED)"),
        ));
    Ok(rows.load(conn).await?)
}
