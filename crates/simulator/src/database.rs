//! Reading what the services wrote. Proposal numbers are digits, so that they can stand in the text of a query.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::result::Error as QueryError;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl as _;
use serde::Serialize;
use tokio::time::timeout;
use xiebao_core::id::InsureNum;
use xiebao_runtime::config::without_password;
use xiebao_store::{Connection, StoreError};

use super::compare::StoredNotice;
use super::rows::{Row, Rows};
use crate::SimulationError;

/// Longer than any question here takes; a database that is silent for so long is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The database that the services write to.
pub struct Database {
    url: String,
    connection: Connection,
}

/// How far the workers have come with the proposals between two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// Rows of `notices` that wait for nothing.
    #[diesel(sql_type = BigInt)]
    pub done: i64,
    /// Notices that wait.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// Deliveries of all of them.
    #[diesel(sql_type = BigInt)]
    pub deliveries: i64,
}

/// Dead letters of one kind.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize)]
pub struct DeadLetters {
    /// The group of causes.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The detailed cause of one of them.
    #[diesel(sql_type = Text)]
    pub example: String,
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

impl Database {
    /// Connects to the database.
    pub async fn connect(url: &str) -> Result<Self, SimulationError> {
        Ok(Self {
            url: url.to_owned(),
            connection: connect(url).await?,
        })
    }

    /// Counts the notices of proposals between two numbers.
    pub async fn count(&mut self, first: &InsureNum, last: &InsureNum) -> Result<Count, SimulationError> {
        let query = format!(
            "SELECT CAST(COALESCE(SUM(outcome <> 'held'), 0) AS SIGNED) AS done, \
             CAST(COALESCE(SUM(outcome = 'held'), 0) AS SIGNED) AS held, \
             CAST(COALESCE(SUM(deliveries), 0) AS SIGNED) AS deliveries \
             FROM notices WHERE insure_num BETWEEN '{first}' AND '{last}'"
        );
        let mut rows = self.load::<Count>(&query).await?;
        rows.pop()
            .ok_or_else(|| SimulationError::Refused("a sum without a row".to_owned()))
    }

    /// The business rows of these proposals.
    pub async fn rows(&mut self, proposals: &[InsureNum]) -> Result<Rows, SimulationError> {
        let list = list(proposals);
        Ok(Rows {
            proposals: self.table(&list).await?,
            payments: self.table(&list).await?,
            policies: self.table(&list).await?,
            insured_persons: self.table(&list).await?,
            cancellations: self.table(&list).await?,
            endorsements: self.table(&list).await?,
            abnormalities: self.table(&list).await?,
            unmatched_persons: self.table(&list).await?,
        })
    }

    /// The inbox rows of these proposals.
    pub async fn notices(&mut self, proposals: &[InsureNum]) -> Result<Vec<StoredNotice>, SimulationError> {
        let query = format!(
            "SELECT insure_num, notify_type, outcome, seq, deliveries, raw, \
             pruned_at IS NOT NULL AND raw = '' AS pruned FROM notices WHERE insure_num IN ({})",
            list(proposals)
        );
        self.load(&query).await
    }

    /// The dead letters of proposals between two numbers, by group of causes.
    pub async fn dead_letters(
        &mut self,
        first: &InsureNum,
        last: &InsureNum,
    ) -> Result<Vec<DeadLetters>, SimulationError> {
        let query = format!(
            "SELECT reason, MIN(detail) AS example, COUNT(*) AS count FROM dead_letters \
             WHERE insure_num BETWEEN '{first}' AND '{last}' GROUP BY reason ORDER BY reason"
        );
        self.load(&query).await
    }

    async fn table<T>(&mut self, list: &str) -> Result<Vec<T>, SimulationError>
    where
        T: Row + QueryableByName<diesel::mysql::Mysql> + Send + 'static,
    {
        self.load(&format!(
            "SELECT {} FROM {} WHERE insure_num IN ({list})",
            T::SELECT,
            T::TABLE
        ))
        .await
    }

    /// A connection that broke is opened again, once.
    async fn load<T>(&mut self, query: &str) -> Result<Vec<T>, SimulationError>
    where
        T: QueryableByName<diesel::mysql::Mysql> + Send + 'static,
    {
        let asking = diesel::sql_query(query).load(&mut self.connection);
        match timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error @ QueryError::DeserializationError(_))) => return Err(self.refused(query, &error)),
            // While the notices were sent it was not used, and the server has ended it.
            _ => self.connection = connect(&self.url).await?,
        }
        self.ask(query).await
    }

    async fn ask<T>(&mut self, query: &str) -> Result<Vec<T>, SimulationError>
    where
        T: QueryableByName<diesel::mysql::Mysql> + Send + 'static,
    {
        let asking = diesel::sql_query(query).load(&mut self.connection);
        match timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error @ QueryError::DeserializationError(_))) => Err(self.refused(query, &error)),
            Ok(Err(error)) => match StoreError::from(error) {
                StoreError::Unavailable(cause) | StoreError::Conflict(cause) => {
                    Err(unreachable(&self.url, cause))
                }
                error => Err(self.refused(query, &error)),
            },
            Err(_) => Err(unreachable(&self.url, "no answer")),
        }
    }

    fn refused(&self, query: &str, error: &dyn std::fmt::Display) -> SimulationError {
        let table = query
            .split(" FROM ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .unwrap_or_default();
        SimulationError::Refused(format!("{}: {table}: {error}", without_password(&self.url)))
    }
}

async fn connect(url: &str) -> Result<Connection, SimulationError> {
    match timeout(ANSWER_WITHIN, xiebao_store::connect(url.to_owned())).await {
        Ok(connection) => connection.map_err(|error| unreachable(url, error)),
        Err(_) => Err(unreachable(url, "no answer")),
    }
}

fn unreachable(url: &str, problem: impl std::fmt::Display) -> SimulationError {
    SimulationError::Unreachable(format!("{}: {problem}", without_password(url)))
}

fn list(proposals: &[InsureNum]) -> String {
    let quoted: Vec<String> = proposals.iter().map(|number| format!("'{number}'")).collect();
    quoted.join(",")
}
