//! Database errors, sorted by the reaction they call for.

use deadpool::managed::PoolError;
use diesel::result::Error as DieselError;
use mysql_async::DriverError;
use thiserror::Error;

pub(crate) mod server;
mod values;

pub use server::ServerError;

use crate::connection::errors::cause;
use crate::settings::WrongSetting;

/// The error beneath a [`StoreError`]: a [`ServerError`], one of the driver, or a sentence of this program.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the database did not do its work. No text here quotes a value of a statement.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Deadlock or lock timeout. The transaction was rolled back; retrying it is enough.
    #[error("lost a race for a lock: {0}")]
    Conflict(#[source] Cause),
    /// The server rejects a statement, for a reason not known to be the server's own state. [`crate::probe`] finds out
    /// whether the content of the statement is at fault.
    #[error("the database refuses: {0}")]
    Refused(#[source] Cause),
    /// A stored row that this release cannot read.
    #[error("{table}, key {key}: {cause}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The key of the row, its columns separated by `/`.
        key: String,
        /// Why it cannot be read.
        #[source]
        cause: Cause,
    },
    /// There is no connection, or it broke, or the server accepts nothing now (read-only, shutting down, full, without
    /// rights). Wait and retry.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Cause),
}

impl StoreError {
    /// True if the fault may lie in a notice: then waiting would not help.
    pub fn may_be_permanent(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreadable { .. })
    }

    /// True if the work began and lost its connection, its time or its statement: an outage, or something that the server
    /// cannot take.
    pub fn is_lost_answer(&self) -> bool {
        match self {
            Self::Unavailable(cause) if cause.is::<NoConnection>() => false,
            Self::Unavailable(cause) => cause
                .downcast_ref::<ServerError>()
                .is_none_or(ServerError::is_an_end_by_others),
            _ => false,
        }
    }

    /// True if a table or a column is missing: the schema is not the one of this release.
    pub fn is_not_migrated(&self) -> bool {
        matches!(self, Self::Refused(_)) && self.server_error().is_some_and(ServerError::is_not_migrated)
    }

    /// The server's answer; `None` if there was none, or if the fault is not the server's.
    pub fn server_error(&self) -> Option<&ServerError> {
        self.cause().downcast_ref()
    }

    /// The setting for which the database is not used.
    pub fn wrong_setting(&self) -> Option<&WrongSetting> {
        self.cause().downcast_ref()
    }

    fn cause(&self) -> &Cause {
        match self {
            Self::Conflict(cause)
            | Self::Refused(cause)
            | Self::Unavailable(cause)
            | Self::Unreadable { cause, .. } => cause,
        }
    }
}

/// There was no connection, so nothing was asked.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct NoConnection(pub Cause);

/// Sorts an error of the driver or of the server.
fn sorted(cause: Cause) -> StoreError {
    match cause.downcast_ref::<ServerError>() {
        Some(error) if error.is_conflict() => return StoreError::Conflict(cause),
        Some(error) if error.is_server_state() => return StoreError::Unavailable(cause),
        Some(_) => return StoreError::Refused(cause),
        None => {}
    }
    match cause.downcast_ref::<DriverError>() {
        // The statement stays too large, however long one waits.
        Some(DriverError::PacketTooLarge) => StoreError::Refused(cause),
        _ => StoreError::Unavailable(cause),
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::QueryBuilderError(cause) => sorted(cause),
            // A row or a value that does not fit this program never will. The error beneath may quote it.
            DieselError::DeserializationError(cause) | DieselError::SerializationError(cause) => {
                Self::Refused(values::without_any_value(&cause.to_string()).into())
            }
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl From<mysql_async::Error> for StoreError {
    fn from(error: mysql_async::Error) -> Self {
        sorted(cause(error))
    }
}

/// Without a connection nothing can be said about a statement, so the server's answer does not matter here.
impl From<PoolError<mysql_async::Error>> for StoreError {
    fn from(error: PoolError<mysql_async::Error>) -> Self {
        let cause = match error {
            PoolError::Backend(error) => cause(error),
            other => Box::new(other),
        };
        Self::Unavailable(Box::new(NoConnection(cause)))
    }
}

#[cfg(test)]
mod tests;
