//! An operation: what a person did by the command line, as people and programs see it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::NotifyType;
use xiebao_core::rules::Rules;
use xiebao_store::sql::operations::Operation;

/// Who decides, by which rules and which clock.
#[derive(Debug, Clone, Copy)]
pub struct Authority<'a> {
    /// The rules of the workers.
    pub rules: &'a Rules,
    /// The person, for the log of operations.
    pub actor: &'a str,
    /// Reads the time.
    pub clock: fn() -> DateTime<Utc>,
}

/// A row of the log of operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedOperation {
    /// Its number.
    pub id: i64,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// Its kind, as in `dead.requeue`.
    pub action: String,
    /// The proposal that it concerns.
    pub insure_num: Option<String>,
    /// The type of the notice that it concerns.
    pub notify_type: Option<NotifyType>,
    /// The digest of the notice that it concerns.
    pub digest: Option<String>,
    /// The dead letter that it concerns.
    pub dead_letter_id: Option<i64>,
    /// Why, in the words of the person who did it.
    pub reason: Option<String>,
    /// The result, in English.
    pub detail: Option<String>,
}

impl LoggedOperation {
    /// The operation of a row.
    pub fn of(row: Operation) -> Self {
        Self {
            id: row.id,
            at: row.at.and_utc(),
            actor: row.actor,
            action: row.action,
            insure_num: row.insure_num,
            notify_type: row.notify_type.map(NotifyType),
            digest: row.digest,
            dead_letter_id: row.dead_letter_id,
            reason: row.reason,
            detail: row.detail,
        }
    }
}
