//! The schema, carried in the binary.

use diesel::migration::MigrationSource;
use diesel::mysql::Mysql;
use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::server;
use crate::{Connection, StoreError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Brings the schema up to this release; the names of what was run. Needs a multi-threaded runtime.
pub fn run(conn: Connection) -> Result<Vec<String>, StoreError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    let done = harness.run_pending_migrations(MIGRATIONS).map_err(StoreError::Unavailable)?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// The schema beside what this release carries.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// What this release needs and the database has not.
    pub pending: Vec<String>,
    /// What the database has and this release does not know: it was brought up by a later one.
    pub unknown: Vec<String>,
}

/// Compares by reading alone: needs no right to create anything, and works in any runtime.
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

/// Diesel's own table of the migrations that were run.
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
    /// The servers commit each change of a table by itself. A migration of several that ends half way can't be run again.
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
