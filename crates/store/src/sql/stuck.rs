//! Proposals that have stayed at a step for too long. They are found by status, through an index; the time is that of
//! the last applied notice of the step that is not voided.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Datetime, Nullable, Text};
use diesel_async::RunQueryDsl;
use xiebao_core::id::Step;
use xiebao_core::lifecycle::Status;

use super::dead_letters::DeadLetterStatus;
use super::notices::NoticeOutcome;
use crate::schema::{dead_letters, notices};
use crate::{Connection, StoreError};

/// A state in which a proposal waits for another step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Insured and not paid.
    Insured,
    /// The payment failed and no other has come.
    PayFailed,
    /// Paid and not issued.
    Paid,
    /// Issuing failed and has not been repeated.
    IssueFailed,
    /// Issued, and the e-policy is not ready.
    Issued,
}

impl Stand {
    /// Every state.
    pub const ALL: [Stand; 5] = [
        Self::Insured,
        Self::PayFailed,
        Self::Paid,
        Self::IssueFailed,
        Self::Issued,
    ];

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand| stand.name() == name)
    }

    /// The status of such a proposal.
    pub const fn status(self) -> Status {
        match self {
            Self::Insured => Status::Insured,
            Self::PayFailed => Status::PayFailed,
            Self::Paid => Status::Paid,
            Self::IssueFailed => Status::IssueFailed,
            Self::Issued => Status::Issued,
        }
    }

    /// The name of the status.
    pub const fn name(self) -> &'static str {
        self.status().name()
    }

    /// The step whose notices brought it there.
    pub const fn reached_by(self) -> Step {
        match self {
            Self::Insured => Step::Insured,
            Self::PayFailed | Self::Paid => Step::Paid,
            Self::IssueFailed | Self::Issued => Step::Issued,
        }
    }

    /// An issued proposal with its e-policy is complete. For the others an early e-policy whose wait is over changes
    /// nothing: they still wait for their step.
    const fn looked_at_with_e_policy(self) -> i64 {
        match self {
            Self::Issued => 0,
            Self::Insured | Self::PayFailed | Self::Paid | Self::IssueFailed => LOOKED_AT,
        }
    }

    /// The step that should follow.
    pub const fn waits_for(self) -> Step {
        match self {
            Self::Insured | Self::PayFailed => Step::Paid,
            Self::Paid | Self::IssueFailed => Step::Issued,
            Self::Issued => Step::EPolicy,
        }
    }
}

/// A proposal in that state.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Stuck {
    /// Proposal number.
    #[diesel(sql_type = Text)]
    pub insure_num: String,
    /// `partnerId` of the platform.
    #[diesel(sql_type = BigInt)]
    pub partner_id: i64,
    /// The user at the channel.
    #[diesel(sql_type = Nullable<Text>)]
    pub partner_unique_key: Option<String>,
    /// UTC: receipt of the last notice of the step.
    #[diesel(sql_type = Datetime)]
    pub since: NaiveDateTime,
}

/// Cap on the proposals examined per status, greatest numbers first. Only a status in which most proposals end has
/// more.
pub const LOOKED_AT: i64 = 10_000;

/// The proposals in that state, and since when. Each half walks the index from its end; with `e_policy_ready IN (0, 1)`
/// in one query, the server would sort all proposals of that status.
const STANDING: &str = "SELECT p.insure_num, p.partner_id, p.partner_unique_key, \
     (SELECT MAX(n.received_at) FROM notices n WHERE n.insure_num = p.insure_num AND n.notify_type = ? \
      AND n.outcome = 'applied' AND NOT n.voided) AS since \
     FROM ((SELECT insure_num, partner_id, partner_unique_key FROM proposals \
       WHERE status = ? AND e_policy_ready = 0 ORDER BY insure_num DESC LIMIT ?) \
      UNION ALL (SELECT insure_num, partner_id, partner_unique_key FROM proposals \
       WHERE status = ? AND e_policy_ready = 1 ORDER BY insure_num DESC LIMIT ?) \
      ORDER BY insure_num DESC LIMIT ?) AS p";

macro_rules! standing {
    ($query:expr, $stand:expr) => {
        diesel::sql_query($query)
            .bind::<BigInt, _>($stand.reached_by().notify_type().0)
            .bind::<Text, _>($stand.name())
            .bind::<BigInt, _>(LOOKED_AT)
            .bind::<Text, _>($stand.name())
            .bind::<BigInt, _>($stand.looked_at_with_e_policy())
            .bind::<BigInt, _>(LOOKED_AT)
    };
}

/// The proposals that reached the state at or after `since` and before `before`, the longest wait first.
pub async fn list(
    conn: &mut Connection,
    stand: Stand,
    since: NaiveDateTime,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Stuck>, StoreError> {
    let query = format!(
        "SELECT * FROM ({STANDING}) AS stuck WHERE since >= ? AND since < ? ORDER BY since, insure_num LIMIT ?"
    );
    let query = standing!(query, stand)
        .bind::<Datetime, _>(since)
        .bind::<Datetime, _>(before.naive_utc())
        .bind::<BigInt, _>(limit);
    Ok(query.load(conn).await?)
}

/// The number of proposals in the state since before `before`, and since when the first is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// Number of proposals.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// UTC: since when the first of them is in the state.
    #[diesel(sql_type = Nullable<Datetime>)]
    pub oldest: Option<NaiveDateTime>,
}

/// The number of those that reached the state at or after `since`.
pub async fn count(
    conn: &mut Connection,
    stand: Stand,
    since: NaiveDateTime,
    before: DateTime<Utc>,
) -> Result<Count, StoreError> {
    let query = format!(
        "SELECT COUNT(*) AS count, MIN(since) AS oldest FROM ({STANDING}) AS stuck WHERE since >= ? AND since < ?"
    );
    let query = standing!(query, stand)
        .bind::<Datetime, _>(since)
        .bind::<Datetime, _>(before.naive_utc());
    Ok(query.get_result(conn).await?)
}

/// The types of the held notices of these proposals.
pub async fn held(conn: &mut Connection, names: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = notices::table
        .filter(notices::insure_num.eq_any(names))
        .filter(notices::outcome.eq(NoticeOutcome::Held))
        .select((notices::insure_num, notices::notify_type));
    Ok(rows.load(conn).await?)
}

/// The open dead letters of these proposals, with their types.
pub async fn dead(
    conn: &mut Connection,
    names: &[String],
) -> Result<Vec<(String, i64, Option<i64>)>, StoreError> {
    let rows = dead_letters::table
        .filter(dead_letters::insure_num.eq_any(names))
        .filter(dead_letters::status.eq(DeadLetterStatus::Open))
        .order(dead_letters::id)
        .select((
            dead_letters::insure_num.assume_not_null(),
            dead_letters::id,
            dead_letters::notify_type,
        ));
    Ok(rows.load(conn).await?)
}
