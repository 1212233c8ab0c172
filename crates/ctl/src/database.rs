//! The database, for the commands that look at what the workers have written.

use std::time::Duration;

use diesel_async::AsyncMysqlConnection;
use diesel_async::pooled_connection::deadpool::Object;
use xiebao_runtime::config::{Config, Needs, without_password};
use xiebao_store::{Store, StoreError};

use crate::context::Context;
use crate::exit::Failure;

/// One for a transaction, one for the links that it brings up.
const CONNECTIONS: usize = 2;

/// A server that does not answer at all is not waited for longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The database of a configuration.
pub struct Database {
    pub config: Config,
    pub store: Store,
}

pub type Connection = Object<AsyncMysqlConnection>;

impl Database {
    /// Reads the configuration; connects to nothing yet.
    pub fn of(context: &Context) -> Result<Self, Failure> {
        let needs = Needs {
            database: true,
            ..Needs::NOTHING
        };
        let config = context.config(needs)?;
        let url = config.require_database()?.url.clone();
        Ok(Self {
            store: Store::new(url.expose(), CONNECTIONS),
            config,
        })
    }

    pub async fn connection(&self) -> Result<Connection, Failure> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.store.connection()).await {
            Ok(connection) => Ok(connection.map_err(|error| self.unreachable(error))?),
            Err(_) => Err(self.unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))),
        }
    }

    /// The address, as it may be shown.
    pub fn address(&self) -> String {
        self.config
            .database
            .as_ref()
            .map(|database| without_password(database.url.expose()))
            .unwrap_or_default()
    }

    fn unreachable(&self, problem: impl std::fmt::Display) -> Failure {
        Failure::Unreachable(format!("{}: {problem}", self.address()))
    }
}

/// How MySQL and MariaDB begin to say that the schema is not that of this release.
const NOT_MIGRATED: [&str; 2] = ["Table '", "Unknown column '"];

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Refused(message) if NOT_MIGRATED.iter().any(|text| message.starts_with(text)) => {
                Failure::Refused(format!("{error} (run `xiebao migrate`)"))
            }
            StoreError::Refused(_) | StoreError::Unreadable { .. } => Failure::Refused(error.to_string()),
            StoreError::Unavailable(_) | StoreError::Conflict(_) => Failure::Unreachable(error.to_string()),
        }
    }
}
