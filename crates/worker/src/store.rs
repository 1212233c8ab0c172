//! The database: SQL in small functions, one a statement, in the modules below; what they are for is told in
//! [`crate::transaction`], [`crate::sweeper`] and [`crate::dead`].

pub mod business;
pub mod dead_letters;
pub mod error;
pub mod find;
pub mod holds;
pub mod links;
pub mod locks;
pub mod migrations;
pub mod notices;
pub mod server;

use std::borrow::Cow;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};
use futures_util::FutureExt;

pub use error::StoreError;

/// Read committed: a batch sees what was committed before it took its locks, and leaves no gap locks behind.
/// Strict: what does not fit is an error, never cut.
const SESSION: &str = "SET SESSION transaction_isolation = 'READ-COMMITTED', \
    SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    SESSION innodb_lock_wait_timeout = 10";

/// MariaDB before 11.1 knows the variable by its old name.
const SESSION_OLD_NAME: &str = "SET SESSION tx_isolation = 'READ-COMMITTED', \
    SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    SESSION innodb_lock_wait_timeout = 10";

/// Rows of one multi-row statement at most.
pub const ROWS_PER_STATEMENT: usize = 500;

/// A pool of connections that are set up as the statements here need them.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncMysqlConnection>,
    url: String,
}

impl Store {
    /// Connects to nothing yet. `size`: connections at most.
    pub fn new(url: &str, size: usize) -> Self {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| connect(url.to_owned()).boxed());
        // Asked once before each use: a pool that trusts its connections hands out the same dead one for ever.
        config.recycling_method = RecyclingMethod::Verified;
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder(manager).max_size(size).build();
        match pool {
            Ok(pool) => Self {
                pool,
                url: url.to_owned(),
            },
            Err(error) => unreachable!("a pool without time-outs needs no runtime: {error}"),
        }
    }

    pub async fn connection(&self) -> Result<Object<AsyncMysqlConnection>, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// A connection outside the pool.
    pub async fn dedicated(&self) -> Result<AsyncMysqlConnection, StoreError> {
        Ok(connect(self.url.clone()).await?)
    }

    /// One round trip.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.connection().await?.batch_execute("SELECT 1").await?)
    }
}

/// A single connection, set up like those of the pool.
pub async fn connect(url: String) -> diesel::ConnectionResult<AsyncMysqlConnection> {
    let mut conn = AsyncMysqlConnection::establish(&over_tcp(&url)).await?;
    if conn.batch_execute(SESSION).await.is_err() {
        let setup = conn.batch_execute(SESSION_OLD_NAME).await;
        setup.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(conn)
}

/// The client would leave a loopback address for the server's Unix socket. What the address says is what is used.
fn over_tcp(url: &str) -> Cow<'_, str> {
    match url {
        url if url.contains("prefer_socket=") => url.into(),
        url if url.contains('?') => format!("{url}&prefer_socket=false").into(),
        url => format!("{url}?prefer_socket=false").into(),
    }
}

/// `VALUES(column)`: in an upsert, the value that the row would have been inserted with. MySQL and MariaDB agree on
/// no newer spelling.
macro_rules! incoming {
    ($($column:path),+ $(,)?) => {
        ($($column.eq($crate::store::values_of($column)),)+)
    };
}
pub(crate) use incoming;

/// See [`incoming!`].
pub(crate) fn values_of<C>(_: C) -> diesel::expression::SqlLiteral<C::SqlType>
where
    C: diesel::Column + diesel::Expression,
    C::SqlType: diesel::sql_types::SingleValue,
{
    diesel::dsl::sql(&format!("VALUES({})", C::NAME))
}
