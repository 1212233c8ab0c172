//! What went wrong in the database, told apart by what is to be done about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum StoreError {
    /// Deadlock or lock time-out: the transaction was rolled back; the same again will do.
    #[error("lost a race for a lock: {0}")]
    Conflict(String),
    /// The content itself was refused: the same again will not do.
    #[error("the database refuses the content: {0}")]
    Content(String),
    /// A stored row that this release cannot read.
    #[error("{table}, key {key}: {what}")]
    Unreadable {
        table: &'static str,
        key: String,
        what: String,
    },
    /// The database is away, restarting, read-only, full, not migrated…: wait.
    #[error("the database is not available: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// Whether the fault lies with a notice, so that waiting would be in vain.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Unreadable { .. })
    }
}

/// diesel-async drops the server's error number, so texts are all there is to go by (server messages of MySQL and
/// MariaDB, which both take them from the same list). What is on neither list waits: that loses nothing.
const CONFLICTS: [&str; 3] = [
    "Deadlock found",
    "Lock wait timeout exceeded",
    "Record has changed since last read",
];
const CONTENT: [&str; 5] = [
    "Data too long for column",
    "Out of range value",
    "Incorrect ",
    "Data truncated for column",
    "Invalid JSON text",
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return Self::Unavailable(error.to_string());
        };
        let message = info.message();
        let starts = |list: &[&str]| list.iter().any(|text| message.starts_with(text));
        if starts(&CONFLICTS) || matches!(kind, DatabaseErrorKind::SerializationFailure) {
            return Self::Conflict(message.to_owned());
        }
        let violated = matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
        );
        if violated || starts(&CONTENT) {
            return Self::Content(message.to_owned());
        }
        Self::Unavailable(message.to_owned())
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
