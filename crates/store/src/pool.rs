//! Connections to the database, set up as the statements need them, and bounds on what is done with them.

use std::borrow::Cow;
use std::time::Duration;

use deadpool::managed::QueueMode;
use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::StoreError;

/// Read committed: a batch sees what was committed before it took its locks, and leaves no gap locks behind.
/// Strict: what does not fit is an error, never cut. A session of which nothing has been heard for half a minute ends,
/// and with it its locks: where the network has lost a connection without a word, the server would keep them for hours.
/// In English, because errors are known by their texts.
macro_rules! session {
    ($isolation:literal) => {
        concat!(
            "SET SESSION ",
            $isolation,
            " = 'READ-COMMITTED', \
             SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
             SESSION innodb_lock_wait_timeout = 10, SESSION wait_timeout = 30, SESSION lc_messages = 'en_US'"
        )
    };
}
const SESSION: &str = session!("transaction_isolation");
/// MariaDB before 11.1 knows the variable by its old name.
const SESSION_OLD_NAME: &str = session!("tx_isolation");

/// Bound on getting a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Bound on what is done with one: well above what a full batch takes and the wait for a lock, and the end of a
/// connection whose other side has vanished without a word.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Bound on a question that takes milliseconds.
const SMALL_ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A connection that was not used for longer is replaced: the server may have ended it (`wait_timeout`).
const UNUSED_AT_MOST: Duration = Duration::from_secs(20);

/// How often work that loses a race for a lock is done.
pub(crate) const TRIES: usize = 5;

/// A connection to the database, as the statements of [`crate::sql`] take it.
pub type Connection = AsyncMysqlConnection;

/// A pool of connections that are set up as the statements here need them.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncMysqlConnection>,
}

impl Store {
    /// Connects to nothing yet. `size`: connections at most.
    pub fn new(url: &str, size: usize) -> Self {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| connect(url.to_owned()).boxed());
        // A dead connection shows at its first statement, and [`Store::with`] does not give it back.
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let fresh = Hook::sync_fn(|_, metrics| match metrics.last_used() {
            unused if unused > UNUSED_AT_MOST => Err(HookError::message("unused for too long")),
            _ => Ok(()),
        });
        let pool = Pool::builder(manager)
            .max_size(size)
            // Each keeps its statements prepared: the fewer connections there are at work, the better.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(fresh)
            .build();
        match pool {
            Ok(pool) => Self { pool },
            Err(error) => unreachable!("a pool without time-outs needs no runtime: {error}"),
        }
    }

    /// Closes the connections that have not been used for long, before the server does and complains of them.
    pub fn close_unused(&self) {
        self.pool
            .retain(|_, metrics| metrics.last_used() <= UNUSED_AT_MOST);
    }

    /// Does a piece of work on a connection, in bounded time. A connection that has failed is not used again.
    pub async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncMysqlConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(ANSWER_WITHIN, work).await
    }

    /// [`with`](Self::with) for a transaction that may lose a race for a lock: a few times, it is run again. What it
    /// borrows keeps its future on one thread, so tasks that are spawned have loops of their own.
    pub async fn racing<T>(
        &self,
        transaction: impl AsyncFn(&mut AsyncMysqlConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.with(&transaction).await {
                Err(StoreError::Conflict(_)) if tries < TRIES => {}
                result => return result,
            }
        }
    }

    /// [`with`](Self::with) for a small question, whose answer tells soon whether the database is there at all.
    pub async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut AsyncMysqlConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(SMALL_ANSWER_WITHIN, question).await
    }

    async fn within<T>(
        &self,
        bound: Duration,
        work: impl AsyncFnOnce(&mut AsyncMysqlConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut lease = Lease(Some(self.connection().await?));
        let Some(conn) = lease.0.as_mut() else {
            unreachable!("just leased");
        };
        let silent = || StoreError::Unavailable(format!("no answer within {bound:?}"));
        let result = timeout(bound, work(conn)).await.unwrap_or_else(|_| Err(silent()));
        if !matches!(result, Err(StoreError::Unavailable(_))) {
            drop(lease.0.take());
        }
        result
    }

    /// A connection of the pool. Whoever meets [`StoreError::Unavailable`] on it should not give it back.
    pub async fn connection(&self) -> Result<Object<AsyncMysqlConnection>, StoreError> {
        let late = |_| StoreError::Unavailable(format!("no connection within {CONNECT_WITHIN:?}"));
        Ok(timeout(CONNECT_WITHIN, self.pool.get()).await.map_err(late)??)
    }
}

/// A connection in use. Work that fails, panics or is dropped half way may leave a transaction open, with its locks: then
/// the connection is closed instead of going back to the pool.
struct Lease(Option<Object<AsyncMysqlConnection>>);

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
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
