//! Finding dead letters. Bodies are read only for the letters to show or to requeue.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Datetime, Text};
use diesel_async::RunQueryDsl;

use super::{DeadLetter, DeadLetterStatus};
use crate::schema::{dead_letter_attempts, dead_letters};
use crate::{Connection, StoreError};

/// Selects the dead letters that match every field that is set. Times are UTC and concern the last failure.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One of these ids.
    pub ids: Option<Vec<i64>>,
    /// This status.
    pub status: Option<DeadLetterStatus>,
    /// This reason.
    pub reason: Option<String>,
    /// This proposal.
    pub insure_num: Option<String>,
    /// This partner.
    pub partner_id: Option<i64>,
    /// This notice type.
    pub notify_type: Option<i64>,
    /// At or after this time.
    pub since: Option<NaiveDateTime>,
    /// Before this time.
    pub until: Option<NaiveDateTime>,
    /// Text contained in `detail`.
    pub text: Option<String>,
    /// Already dead at this moment.
    pub cut_off: Option<CutOff>,
}

/// The dead letters of some moment: by the clock of the database and, because a worker's clock may be behind, by the
/// last id given by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct CutOff {
    #[diesel(sql_type = Datetime)]
    pub at: NaiveDateTime,
    #[diesel(sql_type = BigInt)]
    pub id: i64,
}

type Condition = Box<dyn BoxableExpression<dead_letters::table, Mysql, SqlType = Bool>>;

#[diesel::declare_sql_function]
extern "SQL" {
    /// The position of a text in another from 1; 0 if it is not contained.
    fn locate(text: Text, within: Text) -> BigInt;
}

impl Filter {
    fn condition(&self) -> Condition {
        let mut all: Vec<Condition> = Vec::new();
        if let Some(ids) = self.ids.clone() {
            all.push(Box::new(dead_letters::id.eq_any(ids)));
        }
        if let Some(status) = self.status {
            all.push(Box::new(dead_letters::status.eq(status)));
        }
        if let Some(reason) = self.reason.clone() {
            all.push(Box::new(dead_letters::reason.eq(reason)));
        }
        if let Some(insure_num) = self.insure_num.clone() {
            all.push(Box::new(
                dead_letters::insure_num.eq(insure_num).assume_not_null(),
            ));
        }
        if let Some(partner_id) = self.partner_id {
            all.push(Box::new(
                dead_letters::partner_id.eq(partner_id).assume_not_null(),
            ));
        }
        if let Some(notify_type) = self.notify_type {
            all.push(Box::new(
                dead_letters::notify_type.eq(notify_type).assume_not_null(),
            ));
        }
        if let Some(text) = self.text.clone() {
            all.push(Box::new(locate(text, dead_letters::detail).gt(0)));
        }
        all.extend(self.times());
        let start: Condition = Box::new(dead_letters::id.is_not_null());
        all.into_iter().fold(start, |all, one| Box::new(all.and(one)))
    }

    fn times(&self) -> Vec<Condition> {
        let mut all: Vec<Condition> = Vec::new();
        if let Some(since) = self.since {
            all.push(Box::new(dead_letters::last_dead_at.ge(since)));
        }
        if let Some(until) = self.until {
            all.push(Box::new(dead_letters::last_dead_at.lt(until)));
        }
        if let Some(CutOff { at, id }) = self.cut_off {
            all.push(Box::new(dead_letters::last_dead_at.le(at)));
            all.push(Box::new(dead_letters::id.le(id)));
        }
        all
    }
}

/// The cut-off at this moment, by the clock of the database.
pub async fn cut_off(conn: &mut Connection) -> Result<CutOff, StoreError> {
    let now = "SELECT UTC_TIMESTAMP(6) AS at, CAST(COALESCE(MAX(id), 0) AS SIGNED) AS id FROM dead_letters";
    Ok(diesel::sql_query(now).get_result(conn).await?)
}

/// The matching dead letters, oldest first.
pub async fn select(
    conn: &mut Connection,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<DeadLetter>, StoreError> {
    page(conn, filter, 0, limit).await
}

/// The next page of the matching dead letters, oldest first. `after`: the last id of the page before.
pub async fn page(
    conn: &mut Connection,
    filter: &Filter,
    after: i64,
    limit: i64,
) -> Result<Vec<DeadLetter>, StoreError> {
    let rows = dead_letters::table
        .select(DeadLetter::as_select())
        .filter(filter.condition())
        .filter(dead_letters::id.gt(after))
        .order(dead_letters::id)
        .limit(limit);
    Ok(rows.load(conn).await?)
}

/// The bodies of dead letters, by id.
pub async fn bodies(conn: &mut Connection, ids: &[i64]) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
    let rows = dead_letters::table
        .select((dead_letters::id, dead_letters::body))
        .filter(dead_letters::id.eq_any(ids));
    let rows: Vec<(i64, Vec<u8>)> = rows.load(conn).await?;
    Ok(rows.into_iter().collect())
}

/// The matching dead letters of one reason.
#[derive(Debug, Clone, Queryable)]
pub struct Group {
    pub reason: String,
    /// Number of dead letters.
    pub count: i64,
    pub first_dead_at: Option<NaiveDateTime>,
    pub last_dead_at: Option<NaiveDateTime>,
}

/// The number of matching dead letters, by reason.
pub async fn groups(conn: &mut Connection, filter: &Filter) -> Result<Vec<Group>, StoreError> {
    use diesel::dsl::{count_star, max, min};
    let rows = dead_letters::table
        .group_by(dead_letters::reason)
        .select((
            dead_letters::reason,
            count_star(),
            min(dead_letters::first_dead_at),
            max(dead_letters::last_dead_at),
        ))
        .filter(filter.condition())
        .order(dead_letters::reason);
    Ok(rows.load(conn).await?)
}

/// One failed attempt at a notice.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = dead_letter_attempts, check_for_backend(Mysql))]
pub struct Attempt {
    pub at: NaiveDateTime,
    /// The host and process that made the attempt.
    pub worker: String,
    /// The error in words.
    pub error: String,
}

/// The last failed attempts at a notice, oldest first, `limit` of them at most.
pub async fn attempts(conn: &mut Connection, digest: &str, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let rows = dead_letter_attempts::table
        .select(Attempt::as_select())
        .filter(dead_letter_attempts::digest.eq(digest))
        .order(dead_letter_attempts::at.desc())
        .limit(limit);
    let mut rows: Vec<Attempt> = rows.load(conn).await?;
    rows.reverse();
    Ok(rows)
}
