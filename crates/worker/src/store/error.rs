//! What went wrong in the database, told apart by what is to be done about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum StoreError {
    /// Deadlock or lock time-out: the transaction was rolled back; the same again will do.
    #[error("lost a race for a lock: {0}")]
    Conflict(String),
    /// The server refuses a statement. Whether for what it holds or for the state of the server, the message does
    /// not tell for sure: [`crate::probe`] does.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// A stored row that this release cannot read.
    #[error("{table}, key {key}: {what}")]
    Unreadable {
        table: &'static str,
        key: String,
        what: String,
    },
    /// No connection, or it broke: wait.
    #[error("the database is not available: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// Whether the fault may lie with a notice, so that waiting would be in vain.
    pub fn may_be_permanent(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreadable { .. })
    }
}

/// diesel-async drops the server's error number, so the texts are all there is to go by. MySQL and MariaDB take
/// these from the same list.
const CONFLICTS: [&str; 3] = [
    "Deadlock found",
    "Lock wait timeout exceeded",
    "Record has changed since last read",
];

/// How the client itself words what is not the server's answer.
const NO_ANSWER: [&str; 4] = [
    "Input/output error: ",
    "Driver error: ",
    "Other error: ",
    "URL error: ",
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return Self::Unavailable(error.to_string());
        };
        let message = info.message().to_owned();
        let starts = |list: &[&str]| list.iter().any(|text| message.starts_with(text));
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Conflict(message),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(message)
            }
            _ if starts(&CONFLICTS) => Self::Conflict(message),
            _ if starts(&NO_ANSWER) => Self::Unavailable(message),
            _ => Self::Refused(message),
        }
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
