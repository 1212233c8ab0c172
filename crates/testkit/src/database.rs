//! A database of its own for a test, dropped at the end.

use diesel_async::{AsyncConnection as _, AsyncMysqlConnection, RunQueryDsl as _};
use url::Url;

use crate::services::{run_apart, unique_name, variable};

/// A private, empty database.
#[derive(Debug)]
pub struct Database {
    name: String,
    server: Url,
}

impl Database {
    /// Makes an empty database.
    ///
    /// # Panics
    /// When there is no server, saying how to get one.
    pub async fn new() -> Self {
        let server =
            Url::parse(&variable("XIEBAO__DATABASE__URL")).expect("XIEBAO__DATABASE__URL is an address");
        let database = Self {
            name: unique_name(),
            server,
        };
        let statement = format!("CREATE DATABASE {}", database.name);
        database
            .on_server(&statement)
            .await
            .expect("the server makes databases");
        database
    }

    /// The address, database included.
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.to_string()
    }

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

/// The one number that a query is answered with.
///
/// # Errors
/// When the database at this address can't be reached, or has another answer.
pub async fn number(url: &str, query: &str) -> anyhow::Result<i64> {
    let mut connection = AsyncMysqlConnection::establish(url).await?;
    let number = diesel::sql_query(format!("SELECT CAST(({query}) AS SIGNED) AS number"));
    Ok(number.get_result::<Number>(&mut connection).await?.number)
}

/// The numbers that a query is answered with, from its column `number`.
///
/// # Errors
/// When the database at this address can't be reached, or has another answer.
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
        // A database that stays behind harms no other test, and a panic here would hide the test's own.
        let _ = run_apart(self.on_server(&format!("DROP DATABASE IF EXISTS {}", self.name)));
    }
}
