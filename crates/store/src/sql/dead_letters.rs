//! Dead letters: rows that a person can search, read and put back.

mod new_letter;
mod search;
mod status;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::expression::SqlLiteral;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Datetime, Nullable};
use diesel_async::{AsyncConnection, RunQueryDsl};

pub use new_letter::NewDeadLetter;
pub use search::{Attempt, CutOff, Filter, Group, attempts, bodies, cut_off, groups, page, select};
pub use status::DeadLetterStatus;

use super::attempts::NewAttempt;
use super::bulk::{lists, one_of};
use crate::schema::dead_letters;
use crate::{Connection, StoreError, incoming};

/// A row of `dead_letters`, without its body ([`bodies`]).
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = dead_letters, check_for_backend(Mysql))]
pub struct DeadLetter {
    /// Number of the row.
    pub id: i64,
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: String,
    /// Proposal number.
    pub insure_num: Option<String>,
    /// `partnerId` of the platform.
    pub partner_id: Option<i64>,
    /// `notifyType` of the platform.
    pub notify_type: Option<i64>,
    /// Group of causes, see [`Reason`](xiebao_core::reason::Reason).
    pub reason: String,
    /// The cause in words.
    pub detail: String,
    /// UTC: first receipt.
    pub received_at: NaiveDateTime,
    /// The form of the data that was signed; `None` if unknown.
    pub signature_form: Option<String>,
    /// Number of failed attempts.
    pub attempts: i64,
    /// Open, requeued or discarded.
    pub status: DeadLetterStatus,
    /// Number of times it was requeued.
    pub requeue_count: i64,
    /// Reason of the person who discarded it.
    pub discard_reason: Option<String>,
    /// UTC: first failure.
    pub first_dead_at: NaiveDateTime,
    /// UTC: last failure.
    pub last_dead_at: NaiveDateTime,
    /// The time at which its body was pruned. Only for a row without a body: an older release that files a letter again
    /// leaves the time.
    #[diesel(select_expression = emptied_at(), select_expression_type = EmptiedAt)]
    pub pruned_at: Option<NaiveDateTime>,
}

type EmptiedAt = SqlLiteral<Nullable<Datetime>>;

fn emptied_at() -> EmptiedAt {
    diesel::dsl::sql(
        "CASE WHEN dead_letters.pruned_at IS NOT NULL AND dead_letters.body = '' THEN dead_letters.pruned_at END",
    )
}

/// True for rows whose body was not pruned.
pub(crate) fn whole() -> SqlLiteral<Bool> {
    diesel::dsl::sql("(dead_letters.pruned_at IS NULL OR dead_letters.body <> '')")
}

/// Inserts dead letters and their attempts in one transaction.
///
/// # Errors
/// If the database does not take them; then none is stored.
pub async fn file(
    conn: &mut Connection,
    letters: &[NewDeadLetter],
    attempts: &[NewAttempt],
) -> Result<(), StoreError> {
    conn.transaction(async |conn| {
        insert(conn, letters).await?;
        super::attempts::insert(conn, attempts).await
    })
    .await
}

/// Inserts dead letters; a copy increments `attempts`. A requeued letter that fails again is open again; a discarded
/// one stays discarded. A pruned body is restored.
pub async fn insert(conn: &mut Connection, letters: &[NewDeadLetter]) -> Result<(), StoreError> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Binary, Text};
    // One letter a statement: bodies may be large, and dead letters are few.
    for letter in letters {
        diesel::insert_into(dead_letters::table)
            .values(letter)
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set((
                dead_letters::attempts.eq(dead_letters::attempts + 1),
                dead_letters::status.eq(sql::<Text>("IF(status = 'requeued', 'open', status)")),
                dead_letters::body.eq(sql::<Binary>(
                    "IF(pruned_at IS NOT NULL AND body = '', VALUES(body), body)",
                )),
                dead_letters::pruned_at.eq(sql::<Nullable<Datetime>>("NULL")),
                dead_letters::received_at.eq(sql::<Datetime>("LEAST(received_at, VALUES(received_at))")),
                incoming!(
                    dead_letters::reason,
                    dead_letters::detail,
                    dead_letters::last_dead_at
                ),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Marks letters as requeued and counts it. Call it after the broker has confirmed them: a crash between the two leaves
/// open letters, and requeuing them again makes duplicates. `letters` are as read before publishing: one whose
/// `attempts` has grown since has failed again and is open.
pub async fn mark_requeued(conn: &mut Connection, letters: &[DeadLetter]) -> Result<(), StoreError> {
    use diesel::dsl::sql;
    use diesel::sql_types::{BigInt, Text};
    let mut by_attempts: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for letter in letters {
        by_attempts.entry(letter.attempts).or_default().push(letter.id);
    }
    for (attempts, ids) in by_attempts {
        let status = sql::<Text>("CASE WHEN attempts = ")
            .bind::<BigInt, _>(attempts)
            .sql(" THEN 'requeued' WHEN status = 'discarded' THEN 'open' ELSE status END");
        diesel::update(dead_letters::table.filter(dead_letters::id.eq_any(ids)))
            .set((
                dead_letters::status.eq(status),
                dead_letters::discard_reason.eq(sql::<Nullable<Text>>("NULL")),
                dead_letters::requeue_count.eq(dead_letters::requeue_count + 1),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Discards the letters that are open and returns them. Call it in a transaction.
pub async fn discard(conn: &mut Connection, ids: &[i64], why: &str) -> Result<Vec<DeadLetter>, StoreError> {
    let open = dead_letters::table
        .select(DeadLetter::as_select())
        .filter(dead_letters::id.eq_any(ids))
        .filter(dead_letters::status.eq(DeadLetterStatus::Open))
        .for_update();
    let open: Vec<DeadLetter> = open.load(conn).await?;
    let given_up = open.iter().map(|letter| letter.id);
    diesel::update(dead_letters::table.filter(dead_letters::id.eq_any(given_up)))
        .set((
            dead_letters::status.eq(DeadLetterStatus::Discarded),
            dead_letters::discard_reason.eq(why),
        ))
        .execute(conn)
        .await?;
    Ok(open)
}

/// Up to this number of open letters, reading all of them is cheaper than searching for each notice.
const FEW: usize = 100;

/// Closes the dead letters whose notice was applied after all, for example as a later copy. There is hardly ever one,
/// and reading is cheaper than locking. A letter that is being filed at this moment is not seen and stays open.
pub async fn close_applied(conn: &mut Connection, digests: &[&str]) -> Result<(), StoreError> {
    if digests.is_empty() {
        return Ok(());
    }
    let mut dead = open(conn, FEW as i64 + 1).await?;
    if dead.len() > FEW {
        return close_among(conn, digests).await;
    }
    dead.retain(|(_, digest)| digests.contains(&digest.as_str()));
    close(conn, dead.into_iter().map(|(id, _)| id).collect()).await
}

async fn open(conn: &mut Connection, limit: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let open = dead_letters::table
        .filter(dead_letters::status.eq(DeadLetterStatus::Open))
        .limit(limit)
        .select((dead_letters::id, dead_letters::digest));
    Ok(open.load(conn).await?)
}

async fn close_among(conn: &mut Connection, digests: &[&str]) -> Result<(), StoreError> {
    for list in lists(digests) {
        let open = dead_letters::table
            .filter(one_of(dead_letters::digest, list))
            .filter(dead_letters::status.eq(DeadLetterStatus::Open))
            .select(dead_letters::id);
        let open = open.load(conn).await?;
        close(conn, open).await?;
    }
    Ok(())
}

async fn close(conn: &mut Connection, letters: Vec<i64>) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let open = dead_letters::table
        .filter(dead_letters::id.eq_any(letters))
        .filter(dead_letters::status.eq(DeadLetterStatus::Open));
    diesel::update(open)
        .set(dead_letters::status.eq(DeadLetterStatus::Requeued))
        .execute(conn)
        .await?;
    Ok(())
}
