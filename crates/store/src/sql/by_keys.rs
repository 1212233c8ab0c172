//! Reading and deleting by many keys.
//!
//! The keys come as one JSON text, which the server reads as a table and joins to the other, looking each key up. A
//! list of values (`IN`) is worse: the server first estimates the number of rows by looking the values up; and if the
//! list is long and the table small, it scans the whole table whichever index is named, so a deletion waits for rows
//! that others are writing.

use std::collections::BTreeSet;

use diesel::expression::Expression;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use xiebao_core::id::InsureNum;

use crate::{Connection, StoreError};

/// A table, joined to keys. Made by [`joined!`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joined {
    pub table: &'static str,
    /// The part of the statement after the keys.
    pub rest: &'static str,
}

/// A table and the columns of its key, or the first of them, which is a text.
macro_rules! joined {
    ($table:literal: text $first:literal $(, $kind:ident $column:literal)*) => {
        $crate::sql::by_keys::Joined {
            table: $table,
            rest: concat!(
                ", '$[*]' COLUMNS (",
                joined!(@column text $first), $(", ", joined!(@column $kind $column),)*
                ")) AS `k` STRAIGHT_JOIN `", $table, "` FORCE INDEX (PRIMARY) ON ",
                joined!(@equal $table text $first) $(, " AND ", joined!(@equal $table $kind $column))*
            ),
        }
    };
    // Up to 64 characters.
    (@column text $name:literal) => {
        concat!("`", $name, "` VARCHAR(512) CHARACTER SET ascii PATH '$.", $name, "'")
    };
    (@column number $name:literal) => {
        concat!("`", $name, "` BIGINT PATH '$.", $name, "'")
    };
    (@equal $table:literal text $name:literal) => {
        concat!("`", $table, "`.`", $name, "` = CONVERT(UNHEX(`k`.`", $name, "`) USING utf8mb4) COLLATE utf8mb4_bin")
    };
    (@equal $table:literal number $name:literal) => {
        concat!("`", $table, "`.`", $name, "` = `k`.`", $name, "`")
    };
}
pub(crate) use joined;

/// A text in hexadecimal digits: not every release of the servers reads JSON escapes.
pub(crate) fn hex(text: &str) -> String {
    hex::encode(text)
}

/// A proposal as a key.
#[derive(Debug, Serialize)]
pub(crate) struct Number {
    insure_num: String,
}

/// Sorted and without repetition: the rows of a repeated key would be returned twice.
pub(crate) fn numbers(proposals: &[&InsureNum]) -> Vec<Number> {
    let once: BTreeSet<&InsureNum> = proposals.iter().copied().collect();
    let number = |num: &InsureNum| Number {
        insure_num: hex(num.as_str()),
    };
    once.into_iter().map(number).collect()
}

fn as_text(keys: &[impl Serialize]) -> Result<String, StoreError> {
    serde_json::to_string(keys).map_err(|error| StoreError::Refused(error.into()))
}

/// Deletes the rows with these keys, in the order of the keys, and returns their number.
pub(crate) async fn delete(
    conn: &mut Connection,
    joined: Joined,
    keys: &[impl Serialize],
) -> Result<usize, StoreError> {
    if keys.is_empty() {
        return Ok(0);
    }
    let keys = as_text(keys)?;
    Ok(Delete { joined, keys }.execute(conn).await?)
}

/// A query for columns of that table in the rows with these keys, none of which may be repeated.
pub(crate) fn select<S>(
    selection: S,
    joined: Joined,
    keys: &[impl Serialize],
) -> Result<Select<S>, StoreError> {
    Ok(Select {
        selection,
        joined,
        keys: as_text(keys)?,
    })
}

#[derive(Debug)]
struct Delete {
    joined: Joined,
    keys: String,
}

#[derive(Debug)]
pub(crate) struct Select<S> {
    selection: S,
    joined: Joined,
    keys: String,
}

impl Joined {
    fn walk_ast<'b>(&self, keys: &'b String, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql(" FROM JSON_TABLE(");
        out.push_bind_param::<Text, _>(keys)?;
        out.push_sql(self.rest);
        Ok(())
    }
}

impl QueryFragment<Mysql> for Delete {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("DELETE ");
        out.push_identifier(self.joined.table)?;
        self.joined.walk_ast(&self.keys, out)
    }
}

/// Its prepared statement is cached by its text.
impl QueryId for Delete {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: QueryFragment<Mysql>> QueryFragment<Mysql> for Select<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.selection.walk_ast(out.reborrow())?;
        self.joined.walk_ast(&self.keys, out)
    }
}

/// Its prepared statement is cached by its text.
impl<S> QueryId for Select<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Expression> Query for Select<S> {
    type SqlType = S::SqlType;
}
