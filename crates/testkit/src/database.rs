//! A private database for a test, dropped at its end.

use diesel_async::{AsyncConnection as _, AsyncMysqlConnection, RunQueryDsl as _};
use url::Url;

use crate::PrivateBroker;
use crate::services::{block_on_new_thread, unique_name, variable};

/// A private, empty database.
#[derive(Debug)]
pub struct Database {
    name: String,
    server: Url,
}

impl Database {
    /// Creates an empty database.
    ///
    /// # Panics
    /// If there is no server; the message says how to start one.
    pub async fn new() -> Self {
        Self::on(&variable("XIEBAO__DATABASE__URL")).await
    }

    /// Creates an empty database at the server beside a private broker.
    pub async fn of(private: &PrivateBroker) -> Self {
        Self::on(&private.database).await
    }

    /// Creates an empty database on the server at this address.
    ///
    /// # Panics
    /// If there is no server.
    pub async fn on(server: &str) -> Self {
        let server = Url::parse(server).expect("an address of a database");
        let database = Self {
            name: unique_name(),
            server,
        };
        let statement = format!("CREATE DATABASE {}", database.name);
        database
            .on_server(&statement)
            .await
            .expect("the server creates databases");
        database
    }

    /// The address with the database.
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.to_string()
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `host:port`
    pub fn address(&self) -> String {
        format!(
            "{}:{}",
            self.server.host_str().unwrap_or("127.0.0.1"),
            self.server.port().unwrap_or(3306)
        )
    }

    /// Opens a connection to the database.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn connect(&self) -> AsyncMysqlConnection {
        AsyncMysqlConnection::establish(&self.url())
            .await
            .expect("the database takes connections")
    }

    async fn on_server(&self, statement: &str) -> anyhow::Result<()> {
        let mut connection = AsyncMysqlConnection::establish(self.server.as_str()).await?;
        diesel::sql_query(statement).execute(&mut connection).await?;
        Ok(())
    }
}

/// Runs a query that returns one number.
///
/// # Errors
/// If the database at this address can't be reached, or returns no number.
pub async fn number(url: &str, query: &str) -> anyhow::Result<i64> {
    let mut connection = AsyncMysqlConnection::establish(url).await?;
    let number = diesel::sql_query(format!("SELECT CAST(({query}) AS SIGNED) AS number"));
    Ok(number.get_result::<Number>(&mut connection).await?.number)
}

/// Runs a query, and returns its column `number` of all rows.
///
/// # Errors
/// If the database at this address can't be reached, or there is no such column.
pub async fn numbers(url: &str, query: &str) -> anyhow::Result<Vec<i64>> {
    let mut connection = AsyncMysqlConnection::establish(url).await?;
    let rows: Vec<Number> = diesel::sql_query(query).load(&mut connection).await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

impl Drop for Database {
    fn drop(&mut self) {
        // A leftover database harms no other test, and a panic here would hide the test's own.
        let _ = block_on_new_thread(self.on_server(&format!("DROP DATABASE IF EXISTS {}", self.name)));
    }
}
