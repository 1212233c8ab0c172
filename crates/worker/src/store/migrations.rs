//! The schema, carried in the binary.

use diesel::migration::MigrationSource;
use diesel::mysql::Mysql;
use diesel_async::{AsyncMigrationHarness, AsyncMysqlConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{StoreError, server};

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

/// The schema beside what this release carries.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// What this release needs and the database has not.
    pub pending: Vec<String>,
    /// What the database has and this release does not know: it was brought up by a later one.
    pub unknown: Vec<String>,
}

/// Compares by reading alone: needs no right to create anything, and works in any runtime.
pub async fn difference(conn: &mut AsyncMysqlConnection) -> Result<Difference, StoreError> {
    let mut unknown = if server::has_table(conn, LEDGER).await? {
        recorded(conn).await?
    } else {
        vec![]
    };
    let mut pending = Vec::new();
    for migration in MigrationSource::<Mysql>::migrations(&MIGRATIONS).map_err(unavailable)? {
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

async fn recorded(conn: &mut AsyncMysqlConnection) -> Result<Vec<String>, StoreError> {
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
