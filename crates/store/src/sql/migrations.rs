//! Brings the schema up to this release, from wherever an earlier run stopped.
//!
//! Servers commit each change of a table by itself, so a run that is killed leaves a part of a migration. The next run
//! begins that migration again and passes over its finished statements, which the server refuses as already done. The
//! same makes two runs at once harmless, on one node or on several.

mod error;
mod list;

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

pub use error::MigrationError;
use list::Migration;

use super::{inventory, server};
use crate::{Connection, Races, ServerError, StoreError};

/// The finished migrations. Diesel's tools know the table by this name and shape.
const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (\
    version VARCHAR(50) PRIMARY KEY NOT NULL, \
    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB";

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}
use __diesel_schema_migrations as ledger;

/// Table exists, duplicate column, duplicate key name, nothing to drop. `ER_TABLE_EXISTS_ERROR`, `ER_DUP_FIELDNAME`,
/// `ER_DUP_KEYNAME`, `ER_CANT_DROP_FIELD_OR_KEY`.
const ALREADY_DONE: [u16; 4] = [1050, 1060, 1061, 1091];

/// Runs the pending migrations and returns their names.
///
/// # Errors
/// The first statement that failed; or the tables are not as the migrations make them. Then the migrations that passed
/// over a finished statement stay pending.
pub async fn run(conn: &mut Connection) -> Result<Vec<String>, MigrationError> {
    conn.batch_execute(CREATE_LEDGER)
        .await
        .map_err(StoreError::from)?;
    let recorded = recorded(conn).await?;
    let is_pending = |migration: &&Migration| !recorded.contains(&migration.version());
    let pending: Vec<&Migration> = list::ALL.iter().filter(is_pending).collect();
    let mut unproven = Vec::new();
    for migration in &pending {
        let resumed = carry_out(conn, migration).await?;
        if resumed || !unproven.is_empty() {
            unproven.push(*migration);
        } else {
            record(conn, migration).await?;
        }
    }
    if !unproven.is_empty() {
        prove(conn).await?;
    }
    for migration in unproven {
        record(conn, migration).await?;
    }
    Ok(pending
        .iter()
        .map(|migration| migration.name.to_owned())
        .collect())
}

/// Runs every statement of the migration. True if one of them was done before.
async fn carry_out(conn: &mut Connection, migration: &Migration) -> Result<bool, MigrationError> {
    let mut resumed = false;
    for statement in migration.statements() {
        let done_before = execute(conn, &statement).await;
        let done_before = done_before.map_err(|cause| MigrationError::Stopped {
            migration: migration.name,
            statement: beginning(&statement),
            cause,
        })?;
        if done_before {
            is_our_table(conn, &statement).await?;
        }
        resumed |= done_before;
    }
    Ok(resumed)
}

/// True if the statement was done before.
async fn execute(conn: &mut Connection, statement: &str) -> Result<bool, StoreError> {
    let mut races = Races::default();
    loop {
        match conn.batch_execute(statement).await.map_err(StoreError::from) {
            Ok(()) => return Ok(false),
            Err(StoreError::Conflict(_)) if races.again().await => {}
            Err(error) => {
                let number = error.server_error().map(ServerError::number);
                let done = number.is_some_and(|number| ALREADY_DONE.contains(&number));
                return if done { Ok(true) } else { Err(error) };
            }
        }
    }
}

/// A table of another program may have the name of one of ours. Nothing may be added to it.
async fn is_our_table(conn: &mut Connection, statement: &str) -> Result<(), MigrationError> {
    let ["CREATE", _, table] = statement.split_whitespace().take(3).collect::<Vec<_>>()[..] else {
        return Ok(());
    };
    let columns = inventory::unknown_columns(conn, table).await?;
    if columns.is_empty() {
        return Ok(());
    }
    Err(MigrationError::Foreign {
        table: table.to_owned(),
        columns,
    })
}

/// A statement that was done before may have been done differently.
async fn prove(conn: &mut Connection) -> Result<(), MigrationError> {
    let missing = inventory::drift(conn).await?.missing;
    if missing.is_empty() {
        return Ok(());
    }
    Err(MigrationError::Drifted { missing })
}

/// `ALTER TABLE notices`
fn beginning(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().take(3).collect();
    words.join(" ")
}

/// Another run may have recorded it meanwhile.
async fn record(conn: &mut Connection, migration: &Migration) -> Result<(), StoreError> {
    diesel::insert_or_ignore_into(ledger::table)
        .values(ledger::version.eq(migration.version()))
        .execute(conn)
        .await?;
    Ok(())
}

/// The migrations of the database compared with those of this release.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// Migrations that this release needs and the database lacks.
    pub pending: Vec<String>,
    /// Migrations that this release does not know: a later release has run them.
    pub unknown: Vec<String>,
}

/// Compares by reading only: it needs no right to create anything.
pub async fn difference(conn: &mut Connection) -> Result<Difference, StoreError> {
    let mut unknown = if server::has_table(conn, "__diesel_schema_migrations").await? {
        recorded(conn).await?
    } else {
        vec![]
    };
    let mut pending = Vec::new();
    for migration in list::ALL {
        let version = migration.version();
        match unknown.iter().position(|known| *known == version) {
            Some(index) => drop(unknown.remove(index)),
            None => pending.push(migration.name.to_owned()),
        }
    }
    Ok(Difference { pending, unknown })
}

async fn recorded(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    let versions = ledger::table.select(ledger::version).order(ledger::version);
    Ok(versions.load(conn).await?)
}
