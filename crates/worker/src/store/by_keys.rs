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

/// The statement for a table and the columns of its key.
macro_rules! delete_by {
    ($table:literal, $first:literal: $type:literal $(, $column:literal: $types:literal)*) => {
        concat!(
            "DELETE `t` FROM JSON_TABLE(?, '$[*]' COLUMNS (`", $first, "` ", $type, " PATH '$.", $first, "'",
            $(", `", $column, "` ", $types, " PATH '$.", $column, "'",)*
            ")) AS `k` STRAIGHT_JOIN `", $table, "` AS `t` FORCE INDEX (PRIMARY) ON `t`.`", $first, "` = `k`.`", $first, "`"
            $(, " AND `t`.`", $column, "` = `k`.`", $column, "`")*
        )
    };
}
pub(crate) use delete_by;

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
