//! Failed attempts at dead letters.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::attempts::Attempt;

use super::dead_letters::NewDeadLetter;
use crate::schema::dead_letter_attempts;
use crate::{Connection, ROWS_PER_STATEMENT, StoreError};

/// A failed attempt at the notice of this digest.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = dead_letter_attempts)]
pub struct NewAttempt {
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: String,
    /// UTC.
    pub at: NaiveDateTime,
    /// The host and process that made the attempt.
    pub worker: String,
    /// The error in words.
    pub error: String,
}

impl NewAttempt {
    /// From an attempt that a message of the dead-letter queue carries.
    pub fn of(digest: &str, attempt: &Attempt) -> Self {
        Self {
            digest: digest.to_owned(),
            at: attempt.at.naive_utc(),
            worker: attempt.worker.chars().take(255).collect(),
            error: attempt.error.clone(),
        }
    }

    /// The only attempt of a letter without recorded attempts: its time of death and its reason.
    pub fn of_letter(letter: &NewDeadLetter) -> Self {
        let error = format!("{}: {}", letter.reason, letter.detail);
        let attempt = Attempt::new(letter.last_dead_at.and_utc(), &this_process(), &error);
        Self::of(&letter.digest, &attempt)
    }
}

/// Adds attempts to dead letters; existing ones stay.
pub async fn insert(conn: &mut Connection, attempts: &[NewAttempt]) -> Result<(), StoreError> {
    for chunk in attempts.chunks(ROWS_PER_STATEMENT) {
        diesel::insert_or_ignore_into(dead_letter_attempts::table)
            .values(chunk)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The host and process that record an attempt, for example `worker-7c9f/1`.
pub fn this_process() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
