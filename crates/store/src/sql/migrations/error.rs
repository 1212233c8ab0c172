use std::error::Error as _;

use thiserror::Error;

use crate::StoreError;

/// Why the schema was not brought up to this release. Finished statements stay; running the migrations again goes on
/// from there.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The table of finished migrations cannot be read or written, or there is no connection.
    #[error(transparent)]
    Database(#[from] StoreError),
    /// A statement failed.
    #[error("{migration} stopped at {statement}: {cause}")]
    Stopped {
        /// The name of the migration.
        migration: &'static str,
        /// The beginning of the statement, for example `ALTER TABLE notices`.
        statement: String,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// A table has a name of this program and was not made by it.
    #[error("table {table} is not of this program; its columns {} are unknown", columns.join(", "))]
    Foreign {
        /// The table.
        table: String,
        /// Its columns that no migration makes, with the name of the table.
        columns: Vec<String>,
    },
    /// All statements are done, and the tables are not as the migrations make them.
    #[error("the tables are not as the migrations make them; missing: {}", missing.join(", "))]
    Drifted {
        /// Columns and indexes that are missing or different.
        missing: Vec<String>,
    },
}

impl MigrationError {
    /// True if the server did not answer, so that nothing is known to be wrong with the schema.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Database(cause) | Self::Stopped { cause, .. } => {
                matches!(cause, StoreError::Unavailable(_)) && cause.server_error().is_none()
            }
            Self::Foreign { .. } | Self::Drifted { .. } => false,
        }
    }

    /// The words of the server or of the driver, without this program's.
    pub fn reason(&self) -> String {
        match self {
            Self::Database(error) | Self::Stopped { cause: error, .. } => error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
            other => other.to_string(),
        }
    }
}
