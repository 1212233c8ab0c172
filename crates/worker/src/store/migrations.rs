//! The schema, carried in the binary.

use diesel::mysql::Mysql;
use diesel_async::{AsyncMigrationHarness, AsyncMysqlConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

fn unavailable(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Brings the schema up to this release; the names of what was run. Needs a multi-threaded runtime.
pub fn run(conn: AsyncMysqlConnection) -> Result<Vec<String>, StoreError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    let done = harness.run_pending_migrations(MIGRATIONS).map_err(unavailable)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// What this release needs and the database has not: empty when the schema is up to date.
pub fn pending(conn: AsyncMysqlConnection) -> Result<Vec<String>, StoreError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    let pending =
        MigrationHarness::<Mysql>::pending_migrations(&mut harness, MIGRATIONS).map_err(unavailable)?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_string())
        .collect())
}
