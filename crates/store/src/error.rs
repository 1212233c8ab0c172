//! What went wrong in the database, told apart by what is to be done about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use thiserror::Error;

mod words;

use words::without_values;

#[derive(Debug, Error)]
pub enum StoreError {
    /// Deadlock or lock time-out: the transaction was rolled back; the same again will do.
    #[error("lost a race for a lock: {0}")]
    Conflict(String),
    /// The server refuses a statement, in words that are not known to tell of its own state. Whether it is for what
    /// the statement holds, [`crate::probe`] finds out.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// A stored row that this release cannot read.
    #[error("{table}, key {key}: {what}")]
    Unreadable {
        table: &'static str,
        key: String,
        what: String,
    },
    /// No connection, or it broke, or the server says that it takes nothing now (read-only, shutting down, full,
    /// without rights): wait.
    #[error("the database is not available: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// Whether the fault may lie with a notice, so that waiting would be in vain.
    pub fn may_be_permanent(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreadable { .. })
    }
}

/// diesel-async drops the server's error number, so the texts are all there is to go by; sessions speak English for
/// that. MySQL and MariaDB take these from the same list.
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

/// The state of a server that takes nothing, whatever it is asked: how such a message begins, and what else is in it.
/// Both halves are the server's own words, so that no notice can bring them in. A text that is not here costs a
/// rehearsal, and nothing else.
const UNWELL: [(&str, &str); 24] = [
    // 1290, read-only by option: a replica, or a primary during its failover
    ("The MariaDB server is running with", "read-only"),
    ("The MySQL server is running with", "read-only"),
    // 1792, 1836, 1874, 1881
    ("Cannot execute statement in a READ ONLY transaction", ""),
    ("Running in read-only mode", ""),
    ("InnoDB is in read only mode", ""),
    ("Operation not allowed when innodb_forc", ""),
    // 1053, 1927, 3169
    ("Server shutdown in progress", ""),
    ("Connection was killed", ""),
    ("The client was disconnected by the server", ""),
    ("Session was killed", ""),
    // 1040, 1203, 1226
    ("Too many connections", ""),
    ("User ", "already has more than 'max_user_connections'"),
    ("User '", "' has exceeded the '"),
    // 1021, 1026, 1030, 1114, and the reasons of the system: no space, quota, read-only file system
    ("Disk full", ""),
    ("Disk is full", ""),
    ("Error writing file '", ""),
    ("Got error 28 ", "from storage engine"),
    ("Got error 30 ", "from storage engine"),
    ("Got error 122 ", "from storage engine"),
    ("The table '", "' is full"),
    // 1037, 1041
    ("Out of memory", ""),
    // 1044, 1045, 1227
    ("Access denied", ""),
    // 1047: a Galera node that is joining or has lost its quorum
    ("WSREP ", ""),
    // 1142, 1143
    ("", " command denied to user '"),
];

/// 1317: somebody ended the statement. With more words behind it, it tells of one that took too long.
const INTERRUPTED: &str = "Query execution was interrupted";

fn is_unwell(message: &str) -> bool {
    let told = |(start, more): &(&str, &str)| message.starts_with(start) && message.contains(more);
    message == INTERRUPTED || UNWELL.iter().any(told)
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let (kind, info) = match &error {
            DieselError::DatabaseError(kind, info) => (kind, info),
            // A row or a value that does not fit this program stays so, however long one waits.
            DieselError::DeserializationError(_) | DieselError::SerializationError(_) => {
                return Self::Refused(without_values(&error.to_string()));
            }
            _ => return Self::Unavailable(without_values(&error.to_string())),
        };
        let message = without_values(info.message());
        let starts = |list: &[&str]| list.iter().any(|text| message.starts_with(text));
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Conflict(message),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(message)
            }
            DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(message),
            _ if starts(&CONFLICTS) => Self::Conflict(message),
            _ if TOO_LARGE.iter().any(|text| message.contains(text)) => Self::Refused(message),
            _ if starts(&NO_ANSWER) || is_unwell(&message) => Self::Unavailable(message),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(message: &str) -> StoreError {
        let info = Box::new(message.to_owned());
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info).into()
    }

    #[test]
    fn a_lost_race_is_known_by_the_servers_words() {
        let texts = [
            "Deadlock found when trying to get lock; try restarting transaction",
            "Lock wait timeout exceeded; try restarting transaction",
            "Record has changed since last read in table 'locks'",
        ];
        for text in texts {
            assert!(matches!(sorted(text), StoreError::Conflict(_)), "{text}");
        }
    }

    #[test]
    fn a_server_that_takes_nothing_is_waited_for() {
        let texts = [
            "The MariaDB server is running with the --read-only option so it cannot execute this statement",
            "The MySQL server is running with the --read-only option so it cannot execute this statement",
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
            "Cannot execute statement in a READ ONLY transaction",
            "Cannot execute statement in a READ ONLY transaction.",
            "Running in read-only mode",
            "InnoDB is in read only mode.",
            "Operation not allowed when innodb_forced_recovery > 0.",
            "Operation not allowed when innodb_force_recovery > 0.",
            "Server shutdown in progress",
            "Query execution was interrupted",
            "Connection was killed",
            "The client was disconnected by the server because of inactivity. See wait_timeout.",
            "Too many connections",
            "User xiebao already has more than 'max_user_connections' active connections",
            "User 'xiebao' has exceeded the 'max_queries_per_hour' resource (current value: 10)",
            "Disk full (/tmp/#sql1); waiting for someone to free some space... (errno: 28 \"No space left on device\")",
            "Error writing file './x/proposals.MAD' (errno: 28 \"No space left on device\")",
            "Error writing file './binlog.000003' (Errcode: 28 \"No space left on device\")",
            "Error writing file '/data/binlog.000003' (OS errno 28 - No space left on device)",
            "Got error 28 \"No space left on device\" from storage engine InnoDB",
            "Got error 122 - 'Internal (unspecified) error in handler' from storage engine",
            "The table 'notices' is full",
            "Out of memory; restart server and try again (needed 65536 bytes)",
            "Access denied for user 'xiebao'@'%' to database 'xiebao'",
            "Access denied; you need (at least one of) the SUPER privilege(s) for this operation",
            "INSERT command denied to user 'xiebao'@'localhost' for table `xiebao`.`notices`",
            "UPDATE command denied to user 'xiebao'@'localhost' for table 'proposals'",
            "SELECT command denied to user 'xiebao'@'localhost' for column 'raw' in table 'notices'",
            "WSREP has not yet prepared node for application use",
            "Input/output error: Input/output error: can't parse: buf doesn't have enough data",
            "Driver error: `Connection to the server is closed.'",
        ];
        for text in texts {
            assert!(matches!(sorted(text), StoreError::Unavailable(_)), "{text}");
        }
    }

    #[test]
    fn whatever_else_is_refused_goes_to_the_rehearsal_and_no_value_makes_it_an_outage() {
        let texts = [
            "Data too long for column 'applicant' at row 1",
            "Out of range value for column 'price_fen' at row 1",
            "Duplicate entry 'The table 'x' is full' for key 'PRIMARY'",
            "Incorrect string value: 'INSERT command denied to user '' for column `a`.`b`",
            "Table 'xiebao.proposals' doesn't exist",
            "Unknown column 'raw' in 'field list'",
            "Query execution was interrupted, maximum statement execution time exceeded",
            "Query execution was interrupted (max_statement_time exceeded)",
            "Got a packet bigger than 'max_allowed_packet' bytes",
            "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement",
        ];
        for text in texts {
            assert!(matches!(sorted(text), StoreError::Refused(_)), "{text}");
        }
    }
}
