//! Deleting by many keys.
//!
//! The keys come as one JSON text, which the server reads as a table and joins to the other, looking each key up. Of a list of
//! values it thinks otherwise: where the list is long and the table small it looks through all of that, whichever index is
//! named, and waits for rows that others are writing.

use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Text;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use serde::Serialize;

use super::StoreError;

/// Rows of a table that have their keys in a JSON text.
#[derive(Debug)]
struct Delete {
    sql: &'static str,
    keys: String,
}

impl QueryFragment<Mysql> for Delete {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        // The keys are its only parameter.
        let (before, behind) = self.sql.split_once('?').unwrap_or((self.sql, ""));
        out.push_sql(before);
        out.push_bind_param::<Text, _>(&self.keys)?;
        out.push_sql(behind);
        Ok(())
    }
}

/// Kept by its text.
impl QueryId for Delete {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The statement for a table and the columns of its key, the first a text.
macro_rules! delete_by {
    ($table:literal: text $first:literal $(, $kind:ident $column:literal)*) => {
        concat!(
            "DELETE `t` FROM JSON_TABLE(?, '$[*]' COLUMNS (",
            delete_by!(@column text $first), $(", ", delete_by!(@column $kind $column),)*
            ")) AS `k` STRAIGHT_JOIN `", $table, "` AS `t` FORCE INDEX (PRIMARY) ON ",
            delete_by!(@equal text $first) $(, " AND ", delete_by!(@equal $kind $column))*
        )
    };
    // Of up to 64 characters.
    (@column text $name:literal) => {
        concat!("`", $name, "` VARCHAR(512) CHARACTER SET ascii PATH '$.", $name, "'")
    };
    (@column number $name:literal) => {
        concat!("`", $name, "` BIGINT PATH '$.", $name, "'")
    };
    (@equal text $name:literal) => {
        concat!("`t`.`", $name, "` = CONVERT(UNHEX(`k`.`", $name, "`) USING utf8mb4) COLLATE utf8mb4_bin")
    };
    (@equal number $name:literal) => {
        concat!("`t`.`", $name, "` = `k`.`", $name, "`")
    };
}
pub(crate) use delete_by;

/// A text as a key has it: in hexadecimal digits, for not every release of the servers reads what JSON escapes.
pub(crate) fn hex(text: &str) -> String {
    hex::encode(text)
}

/// Deletes by a statement that [`delete_by!`] has made, in the order of the keys; how many rows there were.
pub(crate) async fn delete<K: Serialize>(
    conn: &mut AsyncMysqlConnection,
    sql: &'static str,
    keys: &[K],
) -> Result<usize, StoreError> {
    if keys.is_empty() {
        return Ok(0);
    }
    let keys = serde_json::to_string(keys).map_err(|error| StoreError::Refused(error.to_string()))?;
    Ok(Delete { sql, keys }.execute(conn).await?)
}
