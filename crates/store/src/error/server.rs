//! The server's error numbers, and the reaction each calls for. MySQL and MariaDB share them up to 1880; above, each
//! has its own. Source: `share/english/errmsg.txt` of both.

use thiserror::Error;

use super::values::without_values;

/// An error that the server answered, without the values that its message quotes.
#[derive(Debug, Error)]
#[error("{message} (error {number})")]
pub struct ServerError {
    number: u16,
    message: String,
    /// The first number in the message as the server sent it, for the errors whose message names another error.
    inner: Option<u32>,
}

/// `ER_CHECKREAD`, `ER_LOCK_WAIT_TIMEOUT`, `ER_LOCK_DEADLOCK`.
const CONFLICTS: [u16; 3] = [1020, 1205, 1213];

/// The server's own state, which keeps it from accepting anything. No notice can cause these. A number that is missing
/// here costs a rehearsal and nothing else.
const SERVER_STATE: [u16; 29] = [
    // Global errors of the server's file layer: write failed, out of memory, disk full.
    3, 5, 20, //
    // Disk full, error on write, table full.
    1021, 1026, 1114, //
    // Out of memory, out of resources.
    1037, 1041, //
    // Too many connections: of all, of a user, of a user an hour.
    1040, 1203, 1226, //
    // Access denied: to the database, to the account, without a password, for want of a privilege, to a table, to a column.
    1044, 1045, 1698, 1227, 1142, 1143, //
    // A Galera node that is joining or has lost its quorum.
    1047, //
    // Shutting down; somebody ended the statement; connection killed (MariaDB), session killed and client timed out (MySQL).
    1053, 1317, 1927, 3169, 4031, //
    // Read-only: the transaction, the server, InnoDB, InnoDB in forced recovery (MySQL).
    1792, 1836, 1874, 1881, //
    // The format of the binary log does not go with the session's isolation; too many prepared statements.
    1665, 1461,
];

/// Somebody, or a watchdog, ended the statement, the connection (MariaDB) or the session (MySQL).
const ENDED: [u16; 3] = [1317, 1927, 3169];

/// `ER_OPTION_PREVENTS_STATEMENT`: the message names the option.
const OPTION_PREVENTS: u16 = 1290;

/// `ER_GET_ERRNO`: the message begins with the storage engine's number.
const STORAGE_ENGINE: u16 = 1030;

/// Numbers of the operating system: no space left, read-only file system, quota exceeded.
const NO_ROOM: [u32; 3] = [28, 30, 122];

/// `ER_BAD_FIELD_ERROR`, `ER_NO_SUCH_TABLE`.
const NOT_MIGRATED: [u16; 2] = [1054, 1146];

impl ServerError {
    pub(super) fn new(number: u16, message: &str) -> Self {
        Self {
            number,
            message: without_values(number, message),
            inner: first_number(message),
        }
    }

    /// The server's error number, for example 1213 for a deadlock.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// True if the transaction lost a race and can be retried at once.
    pub(super) fn is_conflict(&self) -> bool {
        CONFLICTS.contains(&self.number)
    }

    /// True if the server would refuse other statements as well.
    pub(super) fn is_server_state(&self) -> bool {
        match self.number {
            OPTION_PREVENTS => self.message.contains("read-only"),
            STORAGE_ENGINE => self.inner.is_some_and(|number| NO_ROOM.contains(&number)),
            number => SERVER_STATE.contains(&number),
        }
    }

    /// True if this statement was ended and others may not be.
    pub(super) fn is_an_end_by_others(&self) -> bool {
        ENDED.contains(&self.number)
    }

    pub(super) fn is_not_migrated(&self) -> bool {
        NOT_MIGRATED.contains(&self.number)
    }
}

impl From<mysql_async::ServerError> for ServerError {
    fn from(error: mysql_async::ServerError) -> Self {
        Self::new(error.code, &error.message)
    }
}

fn first_number(message: &str) -> Option<u32> {
    let mut digits = message.split(|c: char| !c.is_ascii_digit());
    digits.find(|digits| !digits.is_empty())?.parse().ok()
}
