//! Statements over many rows that a connection keeps prepared.
//!
//! A statement over many rows has placeholders for every column of every row, and preparing it costs the server more
//! than running it. To keep few of them, rows are written in parts of few sizes and lists are padded to a power of two:
//! a connection keeps at most five statements of the first kind and eight of the second for each table. A half-full
//! part is padded too, because every statement is a round trip.

use std::ops::Range;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use crate::{Connection, StoreError};

/// Maximum number of rows of a statement and of values of a list. Client and server keep a description of every
/// placeholder; with four times as many rows a worker takes 16 MB more and is no faster.
pub const ROWS_PER_STATEMENT: usize = 128;

/// A row that can be bound to a bulk statement. Implemented by [`bulk_row!`].
pub(crate) trait Row: Sync {
    /// The statement up to the first row.
    const INSERT: &'static str;
    /// The part of the statement that updates an existing row.
    const UPDATE: &'static str;

    fn bind<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()>;
}

/// Lists the fields of a struct that are columns of the same names, the columns to update in an existing row, and the
/// column to set to NULL there.
macro_rules! bulk_row {
    (
        $Row:ty => $table:ident { $first:ident $(, $column:ident)* $(,)? }
        updating { $($updates:tt)* } $(clearing { $clear:ident })?
    ) => {
        impl $crate::sql::bulk::Row for $Row {
            const INSERT: &'static str = concat!(
                "INSERT INTO `", stringify!($table), "` (`", stringify!($first), "`" $(, ", `", stringify!($column), "`")*,
                ") VALUES "
            );
            const UPDATE: &'static str = concat!(
                $crate::sql::bulk::on_duplicate!($($updates)*)
                $(, ", `", stringify!($clear), "` = NULL")?
            );

            fn bind<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::mysql::Mysql>,
            ) -> diesel::QueryResult<()> {
                out.push_bind_param::<diesel::dsl::SqlTypeOf<$table::$first>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<diesel::dsl::SqlTypeOf<$table::$column>, _>(&self.$column)?;
                )*
                Ok(())
            }
        }
    };
}
pub(crate) use bulk_row;

/// The clause that updates these columns of an existing row.
macro_rules! on_duplicate {
    ($update:ident $(, $updates:ident)* $(,)?) => {
        concat!(
            " ON DUPLICATE KEY UPDATE `", stringify!($update), "` = VALUES(`", stringify!($update), "`)"
            $(, ", `", stringify!($updates), "` = VALUES(`", stringify!($updates), "`)")*
        )
    };
}
pub(crate) use on_duplicate;

/// Inserts rows in their order; an existing row gets the new values.
pub(crate) async fn bulk_upsert<R: Row>(conn: &mut Connection, rows: &[R]) -> Result<(), StoreError> {
    bulk_upsert_repeating(conn, rows, |_| true).await
}

/// [`bulk_upsert`] for rows of which some are too large to be repeated as padding.
pub(crate) async fn bulk_upsert_repeating<R: Row>(
    conn: &mut Connection,
    rows: &[R],
    repeatable: fn(&R) -> bool,
) -> Result<(), StoreError> {
    for part in parts(rows, repeatable) {
        part.execute(conn).await?;
    }
    Ok(())
}

/// [`bulk_upsert`] for rows that should all exist and change. Returns the ranges of rows for which this is uncertain:
/// parts with a row that did not exist or did not change.
pub(crate) async fn bulk_update<R: Row>(
    conn: &mut Connection,
    rows: &[R],
) -> Result<Vec<Range<usize>>, StoreError> {
    let (mut uncertain, mut first) = (Vec::new(), 0);
    for part in parts(rows, |_| true) {
        // The servers count 2 for a changed row and 1 for a new one. An unchanged or repeated row counts 1
        // (CLIENT_FOUND_ROWS).
        let (count, changed) = (part.rows.len(), 2 * part.rows.len() + part.filling);
        if part.execute(conn).await? != changed {
            uncertain.push(first..first + count);
        }
        first += count;
    }
    Ok(uncertain)
}

#[derive(Debug)]
struct Upsert<'r, R> {
    rows: &'r [R],
    /// Number of repetitions of the last row as padding, which change nothing.
    filling: usize,
}

impl<R: Row> QueryFragment<Mysql> for Upsert<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql(R::INSERT);
        for (nth, row) in filled(self.rows, self.filling).enumerate() {
            out.push_sql(if nth == 0 { "(" } else { ", (" });
            row.bind(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(R::UPDATE);
        Ok(())
    }
}

/// Its prepared statement is cached by its text.
impl<R> QueryId for Upsert<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// True if a column has one of these values, at most [`ROWS_PER_STATEMENT`] of them: see [`lists`].
pub(crate) fn one_of<'v, C>(column: C, values: &'v [&'v str]) -> OneOf<'v, C> {
    OneOf { column, values }
}

/// Splits the values into lists that are short enough.
pub(crate) fn lists<'v>(values: &'v [&'v str]) -> impl Iterator<Item = &'v [&'v str]> {
    values.chunks(ROWS_PER_STATEMENT)
}

/// See [`one_of`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOf<'v, C> {
    column: C,
    values: &'v [&'v str],
}

impl<C: QueryFragment<Mysql>> QueryFragment<Mysql> for OneOf<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("FALSE");
            return Ok(());
        }
        self.column.walk_ast(out.reborrow())?;
        // A repeated value changes nothing.
        let filling = self.values.len().next_power_of_two() - self.values.len();
        for (nth, value) in filled(self.values, filling).enumerate() {
            out.push_sql(if nth == 0 { " IN (" } else { ", " });
            out.push_bind_param::<Text, str>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C> QueryId for OneOf<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Expression> Expression for OneOf<'_, C> {
    type SqlType = Bool;
}

impl<C, Source> AppearsOnTable<Source> for OneOf<'_, C> where C: AppearsOnTable<Source> {}

impl<C, Source> SelectableExpression<Source> for OneOf<'_, C> where C: SelectableExpression<Source> {}

impl<C, Grouping> ValidGrouping<Grouping> for OneOf<'_, C> {
    type IsAggregate = is_aggregate::No;
}

/// All items, then the last one repeated `filling` times.
pub(crate) fn filled<T>(all: &[T], filling: usize) -> impl Iterator<Item = &T> {
    let again = all.last().into_iter().cycle().take(filling);
    all.iter().chain(again)
}

/// The possible numbers of rows of a statement. They are few because every connection prepares each of them.
const SIZES: [usize; 5] = [1, 2, 8, 32, ROWS_PER_STATEMENT];

/// Splits the rows into parts of these sizes, the largest first. A rest that fills at least half of a part is padded
/// with its last row, if that row may be repeated.
fn parts<R>(rows: &[R], repeatable: fn(&R) -> bool) -> impl Iterator<Item = Upsert<'_, R>> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let last = rest.last()?;
        let fits = |size: &usize| rest.len() <= *size && rest.len() * 2 >= *size;
        if let Some(size) = SIZES.into_iter().find(fits)
            && (size == rest.len() || repeatable(last))
        {
            let rows = std::mem::take(&mut rest);
            let filling = size - rows.len();
            return Some(Upsert { rows, filling });
        }
        let size = SIZES.into_iter().rfind(|size| *size <= rest.len())?;
        let (rows, others) = rest.split_at(size);
        rest = others;
        Some(Upsert { rows, filling: 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_few_sizes_and_leave_nothing_out() {
        for repeatable in [|_: &usize| true, |_: &usize| false] {
            for count in 0..3 * ROWS_PER_STATEMENT {
                let rows: Vec<usize> = (0..count).collect();
                let mut written: Vec<usize> = Vec::new();
                for Upsert { rows, filling } in parts(&rows, repeatable) {
                    let size = rows.len() + filling;
                    assert!(SIZES.contains(&size));
                    assert!(filling == 0 || repeatable(&0));
                    written.extend(filled(rows, filling));
                }
                // Padding repeats the last row of a part.
                written.dedup();
                assert_eq!(written, rows);
            }
        }
    }

    #[test]
    fn what_fills_half_of_a_part_is_one_part() {
        let sizes = |count: usize, repeatable| {
            let rows = vec![0; count];
            parts(&rows, repeatable)
                .map(|part| (part.rows.len(), part.filling))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(100, |_: &i32| true), [(100, 28)]);
        assert_eq!(sizes(150, |_| true), [(128, 0), (22, 10)]);
        assert_eq!(sizes(11, |_| true), [(8, 0), (2, 0), (1, 0)]);
        assert_eq!(sizes(35, |_| false), [(32, 0), (2, 0), (1, 0)]);
    }

    #[test]
    fn lists_of_many_lengths_are_few_statements() {
        use crate::schema::notices;
        let text = |count: usize| {
            let values = vec!["n"; count];
            diesel::debug_query::<Mysql, _>(&one_of(notices::insure_num, &values)).to_string()
        };
        let placeholders = |count| text(count).matches('?').count();
        assert_eq!([1, 2, 3, 5, 100].map(placeholders), [1, 2, 4, 8, 128]);
        assert!(text(0).starts_with("FALSE"));
    }
}
