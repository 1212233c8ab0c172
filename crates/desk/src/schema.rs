//! The schema of the database: the migrations that it has and lacks.

use serde::Serialize;
use xiebao_store::sql::migrations;
use xiebao_store::{Store, StoreError};

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
pub async fn examine(store: &Store) -> Result<SchemaReport, StoreError> {
    let mut conn = store.connection().await?;
    let found = migrations::difference(&mut conn).await?;
    Ok(SchemaReport {
        pending: found.pending,
        unknown: found.unknown,
        ..SchemaReport::default()
    })
}

impl SchemaReport {
    /// Notes that the migrations of these versions were run.
    pub fn ran(&mut self, versions: &[String]) {
        self.done.clone_from(&self.pending);
        self.done.retain(|name| versions.contains(&version(name)));
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

/// The version in a migration's name, as diesel has it: the digits before the first underscore.
fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}
