//! The pool of database connections, and time bounds on their use.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, QueueMode, RecycleError, RecycleResult};
use diesel_async::{AnsiTransactionManager, TransactionManager};
use tokio::time::timeout;

use crate::StoreError;
use crate::connection::Connection;
use crate::connection::errors::cause;
use crate::error::NoConnection;
use crate::races::Races;
use crate::settings::WrongSetting;

/// Bound on getting a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Bound on a use of a connection: well above the time of a full batch and the wait for a lock. It ends connections
/// whose other side has vanished silently.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Bound on a query that takes milliseconds.
const SMALL_ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A connection that was not used for longer is replaced: the server may have ended it (`wait_timeout`).
const UNUSED_AT_MOST: Duration = Duration::from_secs(20);

/// A connection of the pool; dropping it gives it back.
pub type PooledConnection = Object<Connections>;

/// A pool of connections that are set up as the statements here need them.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Connections>,
}

impl Store {
    /// Does not connect yet. `size` is the maximum number of connections.
    pub fn new(url: &str, size: usize) -> Self {
        let connections = Connections {
            url: url.to_owned(),
            wrong_setting: Mutex::default(),
        };
        let pool = Pool::builder(connections)
            .max_size(size)
            // Each connection keeps its own prepared statements, so few busy connections are best.
            .queue_mode(QueueMode::Lifo)
            .build();
        match pool {
            Ok(pool) => Self { pool },
            Err(error) => unreachable!("a pool without time-outs needs no runtime: {error}"),
        }
    }

    /// Closes idle connections before the server does and logs a warning.
    pub fn close_unused(&self) {
        self.pool
            .retain(|_, metrics| metrics.last_used() <= UNUSED_AT_MOST);
    }

    /// The setting of the server for which the last attempt to connect failed.
    pub fn wrong_setting(&self) -> Option<WrongSetting> {
        self.pool.manager().wrong_setting().clone()
    }

    /// Runs `work` on a connection, in bounded time. A failed connection is not used again.
    pub async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(ANSWER_WITHIN, work).await
    }

    /// [`with`](Self::with) for a transaction that may lose a race for a lock: it is retried, see [`Races`]. Its borrows
    /// keep the future on one thread, so spawned tasks have loops of their own.
    pub async fn racing<T>(
        &self,
        transaction: impl AsyncFn(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut races = Races::default();
        loop {
            match self.with(&transaction).await {
                Err(StoreError::Conflict(_)) if races.again().await => {}
                result => return result,
            }
        }
    }

    /// [`with`](Self::with) for a small query, whose answer soon shows whether the database is available.
    pub async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.within(SMALL_ANSWER_WITHIN, question).await
    }

    async fn within<T>(
        &self,
        bound: Duration,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut lease = Lease(Some(self.connection().await?));
        let Some(conn) = lease.0.as_mut() else {
            unreachable!("just leased");
        };
        let silent = || StoreError::Unavailable(format!("no answer within {bound:?}").into());
        let result = timeout(bound, work(conn)).await.unwrap_or_else(|_| Err(silent()));
        // A session keeps the settings with which it began. After a refusal, the next one sees those of now.
        if !matches!(result, Err(StoreError::Unavailable(_) | StoreError::Refused(_))) {
            drop(lease.0.take());
        }
        result
    }

    /// Takes a connection from the pool. After [`StoreError::Unavailable`] on it, the caller should not give it back.
    pub async fn connection(&self) -> Result<PooledConnection, StoreError> {
        let late = |_| {
            let late = NoConnection(format!("no connection within {CONNECT_WITHIN:?}").into());
            StoreError::Unavailable(Box::new(late))
        };
        Ok(timeout(CONNECT_WITHIN, self.pool.get()).await.map_err(late)??)
    }
}

/// A connection in use. Work that fails, panics or is dropped half way may leave a transaction open with its locks;
/// then the connection is closed instead of returned to the pool.
struct Lease(Option<PooledConnection>);

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// A single connection, set up like those of the pool.
///
/// # Errors
/// [`StoreError::Unavailable`] if there is no connection, for whatever reason.
pub async fn connect(url: String) -> Result<Connection, StoreError> {
    let connection = Connection::open_checked(&url).await;
    connection.map_err(|error| StoreError::Unavailable(cause(error)))
}

/// A connection to a server whatever its settings are, to examine them.
///
/// # Errors
/// As [`connect`].
pub async fn connect_unchecked(url: &str) -> Result<Connection, StoreError> {
    let connection = Connection::open(url).await;
    connection.map_err(|error| StoreError::Unavailable(cause(error)))
}

/// Makes the pool's connections.
pub struct Connections {
    url: String,
    wrong_setting: Mutex<Option<WrongSetting>>,
}

impl Connections {
    fn wrong_setting(&self) -> MutexGuard<'_, Option<WrongSetting>> {
        self.wrong_setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manager for Connections {
    type Type = Connection;
    type Error = mysql_async::Error;

    async fn create(&self) -> Result<Connection, mysql_async::Error> {
        let opened = Connection::open_checked(&self.url).await;
        *self.wrong_setting() = match &opened {
            Err(mysql_async::Error::Other(cause)) => cause.downcast_ref().cloned(),
            _ => None,
        };
        opened
    }

    /// Asks the server nothing: a dead connection shows at its first statement, and [`Store::with`] does not give it
    /// back.
    async fn recycle(
        &self,
        connection: &mut Connection,
        metrics: &Metrics,
    ) -> RecycleResult<mysql_async::Error> {
        if metrics.last_used() > UNUSED_AT_MOST {
            return Err(RecycleError::message("unused for too long"));
        }
        if AnsiTransactionManager::is_broken_transaction_manager(connection) {
            return Err(RecycleError::message("a transaction is open"));
        }
        Ok(())
    }
}
