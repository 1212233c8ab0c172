//! The migrations, embedded in the program.

use diesel::migration::MigrationSource;
use diesel::mysql::Mysql;
use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::server;
use crate::{Connection, StoreError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Runs the pending migrations and returns their names. Needs a multi-threaded runtime.
pub fn run(conn: Connection) -> Result<Vec<String>, StoreError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    let done = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(StoreError::Unavailable)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// The migrations of the database compared with those of this release.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// Migrations that this release needs and the database lacks.
    pub pending: Vec<String>,
    /// Migrations that this release does not know: a later release has run them.
    pub unknown: Vec<String>,
}

/// Compares by reading only: it needs no right to create anything, and works in any runtime.
pub async fn difference(conn: &mut Connection) -> Result<Difference, StoreError> {
    let mut unknown = if server::has_table(conn, LEDGER).await? {
        recorded(conn).await?
    } else {
        vec![]
    };
    let mut pending = Vec::new();
    for migration in MigrationSource::<Mysql>::migrations(&MIGRATIONS).map_err(StoreError::Unavailable)? {
        let version = migration.name().version().to_string();
        match unknown.iter().position(|known| *known == version) {
            Some(index) => drop(unknown.remove(index)),
            None => pending.push(migration.name().to_string()),
        }
    }
    Ok(Difference { pending, unknown })
}

/// Diesel's table of executed migrations.
const LEDGER: &str = "__diesel_schema_migrations";

async fn recorded(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    use diesel::QueryDsl;
    use diesel_async::RunQueryDsl;
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
    let versions = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .order(__diesel_schema_migrations::version);
    Ok(versions.load(conn).await?)
}

#[cfg(test)]
mod tests {
    /// The servers commit every change of a table on its own, so a migration of several statements that stops half way
    /// cannot be run again.
    #[test]
    fn every_migration_since_the_last_release_is_one_statement() {
        let mut seen = 0;
        let all = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        for migration in std::fs::read_dir(all).expect("the migrations") {
            let path = migration.expect("a migration").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_none_or(|name| name.as_str() < "2026-11-26") {
                continue;
            }
            for half in ["up.sql", "down.sql"] {
                let text = std::fs::read_to_string(path.join(half)).expect("it can be read");
                let ends = text.lines().filter(|line| line.trim_end().ends_with(';')).count();
                assert_eq!(ends, 1, "{}: {half}", path.display());
            }
            seen += 1;
        }
        assert!(seen >= 5, "{seen} migrations");
    }
}
