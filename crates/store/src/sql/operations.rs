//! The log of operations that people run by the command line: who, what, when. Rows are only added.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::schema::operations;
use crate::{Connection, StoreError};

/// Characters of `reason` and `detail` at most.
const WORDS_CHARS: usize = 1000;

/// The kinds of operations, as stored in `operations.action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    RequeueDead,
    DiscardDead,
    ReleaseHeld,
    VoidNotice,
    RestoreNotice,
    Rebuild,
    Reprocess,
    Prune,
}

impl Action {
    /// Every kind.
    pub const ALL: [Action; 8] = [
        Self::RequeueDead,
        Self::DiscardDead,
        Self::ReleaseHeld,
        Self::VoidNotice,
        Self::RestoreNotice,
        Self::Rebuild,
        Self::Reprocess,
        Self::Prune,
    ];

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequeueDead => "dead.requeue",
            Self::DiscardDead => "dead.discard",
            Self::ReleaseHeld => "held.release",
            Self::VoidNotice => "notice.void",
            Self::RestoreNotice => "notice.restore",
            Self::Rebuild => "rebuild",
            Self::Reprocess => "reprocess",
            Self::Prune => "prune",
        }
    }
}

/// An operation to record.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = operations)]
pub struct NewOperation {
    at: NaiveDateTime,
    actor: String,
    action: String,
    /// Proposal number.
    pub insure_num: Option<String>,
    /// `notifyType` of the platform.
    pub notify_type: Option<i64>,
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: Option<String>,
    /// The dead letter concerned.
    pub dead_letter_id: Option<i64>,
    reason: Option<String>,
    detail: Option<String>,
}

impl NewOperation {
    /// `actor` is the person.
    pub fn new(action: Action, actor: &str, now: DateTime<Utc>) -> Self {
        Self {
            at: now.naive_utc(),
            actor: actor.chars().take(255).collect(),
            action: action.name().to_owned(),
            insure_num: None,
            notify_type: None,
            digest: None,
            dead_letter_id: None,
            reason: None,
            detail: None,
        }
    }

    /// Sets the reason that the person gives.
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.chars().take(WORDS_CHARS).collect());
        self
    }

    /// Sets its result in words.
    pub fn with_detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.chars().take(WORDS_CHARS).collect());
        self
    }
}

/// A recorded operation.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = operations, check_for_backend(Mysql))]
pub struct Operation {
    /// Number of the row.
    pub id: i64,
    /// UTC.
    pub at: NaiveDateTime,
    /// The person.
    pub actor: String,
    /// The kind of operation, see [`Action`].
    pub action: String,
    /// Proposal number.
    pub insure_num: Option<String>,
    /// `notifyType` of the platform.
    pub notify_type: Option<i64>,
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: Option<String>,
    /// The dead letter concerned.
    pub dead_letter_id: Option<i64>,
    /// Group of causes, see [`Reason`](xiebao_core::reason::Reason).
    pub reason: Option<String>,
    /// The cause in words.
    pub detail: Option<String>,
}

/// Records operations, preferably in the transaction that performs them.
pub async fn record(conn: &mut Connection, new: &[NewOperation]) -> Result<(), StoreError> {
    for chunk in new.chunks(crate::ROWS_PER_STATEMENT) {
        diesel::insert_into(operations::table)
            .values(chunk)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Records an operation that is performed in several transactions, and returns its id.
pub async fn begin(conn: &mut Connection, operation: &NewOperation) -> Result<i64, StoreError> {
    diesel::insert_into(operations::table)
        .values(operation)
        .execute(conn)
        .await?;
    let id = diesel::dsl::sql::<diesel::sql_types::BigInt>("CAST(LAST_INSERT_ID() AS SIGNED)");
    Ok(diesel::select(id).get_result(conn).await?)
}

/// Updates the result of such an operation.
pub async fn go_on(conn: &mut Connection, id: i64, detail: &str) -> Result<(), StoreError> {
    let detail: String = detail.chars().take(WORDS_CHARS).collect();
    diesel::update(operations::table.filter(operations::id.eq(id)))
        .set(operations::detail.eq(detail))
        .execute(conn)
        .await?;
    Ok(())
}

/// The operations on one dead letter, oldest first.
pub async fn of_dead_letter(conn: &mut Connection, id: i64) -> Result<Vec<Operation>, StoreError> {
    let rows = operations::table
        .filter(operations::dead_letter_id.eq(id))
        .order(operations::id)
        .select(Operation::as_select());
    Ok(rows.load(conn).await?)
}

/// The operations on one proposal, oldest first.
pub async fn of_proposal(conn: &mut Connection, insure_num: &str) -> Result<Vec<Operation>, StoreError> {
    let rows = operations::table
        .filter(operations::insure_num.eq(insure_num))
        .order(operations::id)
        .select(Operation::as_select());
    Ok(rows.load(conn).await?)
}

/// Selects the operations that match every field that is set. Times are UTC.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Proposal number.
    pub insure_num: Option<String>,
    /// The kind of operation, see [`Action`].
    pub action: Option<String>,
    /// The person.
    pub actor: Option<String>,
    /// The dead letter concerned.
    pub dead_letter_id: Option<i64>,
    /// At or after this time.
    pub since: Option<NaiveDateTime>,
    /// Before this time.
    pub until: Option<NaiveDateTime>,
}

/// The matching operations, newest first.
pub async fn select(
    conn: &mut Connection,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Operation>, StoreError> {
    let mut rows = operations::table.select(Operation::as_select()).into_boxed();
    if let Some(insure_num) = &filter.insure_num {
        rows = rows.filter(operations::insure_num.eq(insure_num));
    }
    if let Some(action) = &filter.action {
        rows = rows.filter(operations::action.eq(action));
    }
    if let Some(actor) = &filter.actor {
        rows = rows.filter(operations::actor.eq(actor));
    }
    if let Some(id) = filter.dead_letter_id {
        rows = rows.filter(operations::dead_letter_id.eq(id));
    }
    if let Some(since) = filter.since {
        rows = rows.filter(operations::at.ge(since));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(operations::at.lt(until));
    }
    Ok(rows.order(operations::id.desc()).limit(limit).load(conn).await?)
}
