//! The database of the configuration.

use std::time::Duration;

use xiebao_runtime::config::{Config, Needs, without_password};
use xiebao_store::{Connection, Store, StoreError, connect_unchecked};

use crate::context::Context;
use crate::exit::Failure;

/// One for a transaction, one for the links that it brings up.
const CONNECTIONS: usize = 2;

/// How long to wait for a server that does not answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A database that has answered.
pub struct Database {
    /// The configuration that names it.
    pub config: Config,
    /// Its connections.
    pub store: Store,
}

impl Database {
    /// Reads the configuration and connects. The connection stays in the pool for the command.
    ///
    /// # Errors
    /// The configuration is wrong, or the database cannot be reached; then the failure names its address.
    pub async fn reach(context: &Context) -> Result<Self, Failure> {
        let database = Self::of(context)?;
        database.check().await?;
        Ok(database)
    }

    /// Reads the configuration without connecting.
    ///
    /// # Errors
    /// The configuration is wrong.
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

    /// Connects.
    ///
    /// # Errors
    /// The database cannot be reached; the failure names its address.
    pub async fn check(&self) -> Result<(), Failure> {
        self.within_time(self.store.connection()).await.map(drop)
    }

    /// A connection to look at the schema, whatever the settings of the server are.
    ///
    /// # Errors
    /// The database cannot be reached; the failure names its address.
    pub async fn for_looking(&self) -> Result<Connection, Failure> {
        let url = self.config.require_database()?.url.expose();
        self.within_time(connect_unchecked(url)).await
    }

    async fn within_time<T>(
        &self,
        connecting: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) if self.store.wrong_setting().is_some() => {
                Err(Failure::Refused(error.to_string()))
            }
            Ok(Err(error)) => Err(self.unreachable(error)),
            Err(_) => Err(self.unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))),
        }
    }

    fn unreachable(&self, problem: impl std::fmt::Display) -> Failure {
        let database = self.config.database.as_ref();
        let address = database.map(|database| without_password(database.url.expose()));
        Failure::Unreachable(format!("{}: {problem}", address.unwrap_or_default()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            error if error.is_not_migrated() => Failure::Refused(format!("{error} (run `xiebao migrate`)")),
            error if error.wrong_setting().is_some() => Failure::Refused(error.to_string()),
            StoreError::Refused(_) | StoreError::Unreadable { .. } => Failure::Refused(error.to_string()),
            StoreError::Unavailable(_) | StoreError::Conflict(_) => Failure::Unreachable(error.to_string()),
        }
    }
}
