//! The schema of the database: the migrations that it has and lacks.

use serde::Serialize;
use xiebao_store::sql::migrations::{self, MigrationError};
use xiebao_store::{Connection, StoreError};

use crate::words::Words;

/// The migrations that were run, and those that are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SchemaReport {
    /// The migrations that were just run.
    pub done: Vec<String>,
    /// The migrations that the database lacks.
    pub pending: Vec<String>,
    /// The versions that the database has and this release does not know.
    pub unknown: Vec<String>,
}

/// Compares the database with this release.
pub async fn examine(conn: &mut Connection) -> Result<SchemaReport, StoreError> {
    let found = migrations::difference(conn).await?;
    Ok(SchemaReport {
        pending: found.pending,
        unknown: found.unknown,
        ..SchemaReport::default()
    })
}

impl SchemaReport {
    /// Notes that the migrations of these names were run.
    pub fn ran(&mut self, names: Vec<String>) {
        self.done = names;
        self.pending.clear();
    }

    /// The report as text.
    pub fn page(&self, words: &dyn Words) -> String {
        let mut out = String::new();
        if !self.done.is_empty() {
            out.push_str(&words.migrated(&self.done));
        }
        if !self.pending.is_empty() {
            out.push_str(&words.pending(&self.pending));
        }
        if !self.unknown.is_empty() {
            out.push_str(&words.newer_schema(&self.unknown));
        }
        if out.is_empty() {
            out.push_str(words.schema_is_current());
        }
        out
    }
}

/// Why the migrations stopped, and what to do, as text.
pub fn failure(error: &MigrationError, words: &dyn Words) -> String {
    match error {
        MigrationError::Database(_) => words.migrating_stopped(None, &error.reason()),
        MigrationError::Stopped {
            migration, statement, ..
        } => {
            let at = format!("{migration}, {statement}");
            words.migrating_stopped(Some(&at), &error.reason())
        }
        MigrationError::Foreign { table, columns } => words.table_of_another_program(table, columns),
        MigrationError::Drifted { missing } => words.migrated_differently(missing),
    }
}
