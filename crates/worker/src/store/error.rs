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

/// The client's own words for a statement that is larger than the server takes: waiting would be in vain.
const TOO_LARGE: [&str; 2] = ["max_allowed_packet", "Packet too large"];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return Self::Unavailable(error.to_string());
        };
        let message = without_values(info.message());
        let starts = |list: &[&str]| list.iter().any(|text| message.starts_with(text));
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Conflict(message),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(message)
            }
            _ if starts(&CONFLICTS) => Self::Conflict(message),
            _ if TOO_LARGE.iter().any(|text| message.contains(text)) => Self::Refused(message),
            _ if starts(&NO_ANSWER) => Self::Unavailable(message),
            _ => Self::Refused(message),
        }
    }
}

/// Some messages quote the value that they complain of; it may be a person's name, and these words are logged.
fn without_values(message: &str) -> String {
    let quotes_a_value = ["Duplicate entry '", "Incorrect ", "Truncated incorrect "].iter();
    let Some(start) = quotes_a_value
        .filter(|text| message.starts_with(**text))
        .find_map(|_| message.find('\''))
    else {
        return message.to_owned();
    };
    let rest = &message[start + 1..];
    // The value may hold quotes itself; what follows it never does, but for the name of a key or column.
    let end = rest.find("' for ").unwrap_or(rest.len());
    format!("{}…{}", &message[..=start], &rest[end..])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_get_into_messages() {
        let cases = [
            (
                "Duplicate entry 'N1-李四' for key 'PRIMARY'",
                "Duplicate entry '…' for key 'PRIMARY'",
            ),
            (
                "Incorrect string value: '\\xE5' for column `a`.`b`",
                "Incorrect string value: '…' for column `a`.`b`",
            ),
            (
                "Data too long for column 'name' at row 1",
                "Data too long for column 'name' at row 1",
            ),
        ];
        for (message, safe) in cases {
            assert_eq!(without_values(message), safe);
        }
    }
}
