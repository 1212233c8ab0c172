//! A database connection for diesel that keeps the server's error number.
//!
//! `diesel_async::AsyncMysqlConnection` reduces every error of `mysql_async` to its English text. This connection runs
//! the same statements over the same driver and hands each error on whole, see [`mod@errors`].

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::connection::{CacheSize, DynInstrumentation, Instrumentation};
use diesel::mysql::Mysql;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncConnectionCore, AsyncMysqlConnection, SimpleAsyncConnection,
};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use mysql_async::Statement;
use mysql_async::prelude::Queryable;

pub(crate) mod errors;
mod query;
mod session;
mod writers;

use crate::settings;
use errors::for_diesel;
use query::Query;
pub(crate) use writers::Writers;

/// One connection to the database. Its statements stay prepared as long as it lives.
pub struct Connection {
    conn: mysql_async::Conn,
    writers: Writers,
    /// Prepared statements by their text: as many as the program has texts.
    prepared: HashMap<String, Statement>,
    /// Statements whose text varies (batches, lists). A result may still be read from the last one, so each is closed
    /// before the next statement; the server limits how many are open.
    to_close: Vec<Statement>,
    transactions: AnsiTransactionManager,
    instrumentation: DynInstrumentation,
}

/// The row type of `diesel_async`, which it does not export by name.
type Row = <AsyncMysqlConnection as AsyncConnectionCore>::Row<'static, 'static>;

impl Connection {
    /// Connects and sets the session up.
    ///
    /// # Errors
    /// The driver's error: the address is malformed, nobody answers, the server does not accept the account, or it belongs
    /// to a group that this program cannot use safely.
    pub(crate) async fn open(url: &str) -> Result<Self, mysql_async::Error> {
        let mut conn = session::open(url).await?;
        Ok(Self {
            writers: writers::ask(&mut conn).await?,
            conn,
            prepared: HashMap::new(),
            to_close: Vec::new(),
            transactions: AnsiTransactionManager::default(),
            instrumentation: DynInstrumentation::none(),
        })
    }

    /// The servers that may write to this database besides the connected one.
    pub(crate) fn writers(&self) -> Writers {
        self.writers
    }

    /// Connects to a server whose settings are right.
    ///
    /// # Errors
    /// As [`open`](Self::open), or a [`WrongSetting`](crate::WrongSetting).
    pub(crate) async fn open_checked(url: &str) -> Result<Self, mysql_async::Error> {
        let mut connection = Self::open(url).await?;
        settings::check(&mut connection.conn).await?;
        Ok(connection)
    }

    async fn prepare(&mut self, query: &Query) -> Result<Statement, mysql_async::Error> {
        while let Some(statement) = self.to_close.pop() {
            self.conn.close(statement).await?;
        }
        if let Some(statement) = self.prepared.get(&query.sql) {
            return Ok(statement.clone());
        }
        let statement = self.conn.prep(query.sql.as_str()).await?;
        if query.has_fixed_text {
            self.prepared.insert(query.sql.clone(), statement.clone());
        } else {
            self.to_close.push(statement.clone());
        }
        Ok(statement)
    }

    async fn execute(&mut self, query: Query) -> Result<u64, mysql_async::Error> {
        let statement = self.prepare(&query).await?;
        self.conn.exec_drop(statement, query.params).await?;
        Ok(self.conn.affected_rows())
    }

    async fn stream(&mut self, query: Query) -> QueryResult<BoxStream<'_, QueryResult<Row>>> {
        let statement = self.prepare(&query).await.map_err(for_diesel)?;
        let result = self.conn.exec_iter(statement, query.params).await;
        let rows = result.map_err(for_diesel)?.stream_and_drop::<Row>().await;
        match rows.map_err(for_diesel)? {
            Some(rows) => Ok(rows.map_err(for_diesel).boxed()),
            None => Err(DieselError::DeserializationError(
                "the statement returns no rows".into(),
            )),
        }
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.conn.query_drop(query).await.map_err(for_diesel)
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = BoxStream<'conn, QueryResult<Row>>;
    type Row<'conn, 'query> = Row;
    type Backend = Mysql;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Mysql> + QueryId + 'query,
    {
        let query = Query::of(&source.as_query());
        async move { self.stream(query?).await }.boxed()
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Mysql> + QueryId + 'query,
    {
        let query = Query::of(&source);
        async move {
            let rows = self.execute(query?).await.map_err(for_diesel)?;
            usize::try_from(rows).map_err(DieselError::IntegerConversion)
        }
        .boxed()
    }
}

impl AsyncConnection for Connection {
    type TransactionManager = AnsiTransactionManager;

    async fn establish(url: &str) -> diesel::ConnectionResult<Self> {
        let bad = |error: mysql_async::Error| diesel::ConnectionError::BadConnection(error.to_string());
        Self::open(url).await.map_err(bad)
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        &mut self.transactions
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        &mut *self.instrumentation
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.instrumentation = instrumentation.into();
    }

    /// Without effect: the number of statements with a fixed text is the program's, and small.
    fn set_prepared_statement_cache_size(&mut self, _: CacheSize) {}
}
