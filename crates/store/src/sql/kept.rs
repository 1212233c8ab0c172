//! Statements over many rows that a connection keeps prepared.
//!
//! A statement over many rows has placeholders for every column of every row, and to prepare it costs the server more
//! than to run it. So that there are few to keep, rows are written in parts of few sizes, and lists are filled up to a power of
//! two: a connection keeps at most five of the one kind and eight of the other. A part that is half full is filled up too,
//! since every statement is a way to the server and back.

use std::ops::Range;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use crate::{Connection, StoreError};

/// Rows of one statement, and values of one list, at most. Client and server keep a description of every
/// placeholder; with four times as many rows a worker takes 16 MB more and is no faster.
pub const ROWS_PER_STATEMENT: usize = 128;

/// A row as a statement over many binds it. Made by [`kept_row!`].
pub(crate) trait Row: Sync {
    /// All up to the first row.
    const INSERT: &'static str;
    /// What a row becomes whose key is there already.
    const UPDATE: &'static str;

    fn bind<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()>;
}

/// Tells which fields of a struct are columns, of the same names, which of them a row takes over that is there already,
/// and which column becomes NULL there.
macro_rules! kept_row {
    (
        $Row:ty => $table:ident { $first:ident $(, $column:ident)* $(,)? }
        updating { $($updates:tt)* } $(clearing { $clear:ident })?
    ) => {
        impl $crate::sql::kept::Row for $Row {
            const INSERT: &'static str = concat!(
                "INSERT INTO `", stringify!($table), "` (`", stringify!($first), "`" $(, ", `", stringify!($column), "`")*,
                ") VALUES "
            );
            const UPDATE: &'static str = concat!(
                $crate::sql::kept::on_duplicate!($($updates)*)
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
pub(crate) use kept_row;

/// What becomes of these columns of a row that is there already.
macro_rules! on_duplicate {
    ($update:ident $(, $updates:ident)* $(,)?) => {
        concat!(
            " ON DUPLICATE KEY UPDATE `", stringify!($update), "` = VALUES(`", stringify!($update), "`)"
            $(, ", `", stringify!($updates), "` = VALUES(`", stringify!($updates), "`)")*
        )
    };
}
pub(crate) use on_duplicate;

/// Inserts rows, in their order; one whose key is there already gets the new values.
pub(crate) async fn upsert<R: Row>(conn: &mut Connection, rows: &[R]) -> Result<(), StoreError> {
    upsert_repeating(conn, rows, |_| true).await
}

/// [`upsert`] of rows some of which may be too heavy to be written twice.
pub(crate) async fn upsert_repeating<R: Row>(
    conn: &mut Connection,
    rows: &[R],
    repeatable: fn(&R) -> bool,
) -> Result<(), StoreError> {
    for part in parts(rows, repeatable) {
        part.execute(conn).await?;
    }
    Ok(())
}

/// [`upsert`] of rows that are all there and are to change. The places of those of which that is not certain: in a part with
/// one that was not there, or that was already as it is to be.
pub(crate) async fn update<R: Row>(
    conn: &mut Connection,
    rows: &[R],
) -> Result<Vec<Range<usize>>, StoreError> {
    let (mut uncertain, mut first) = (Vec::new(), 0);
    for part in parts(rows, |_| true) {
        // The servers count 2 for a row that was there and changes and 1 for a new one. A row that is as it is to be, as one that is
        // named again is, counts 1, because the client asks for rows that are found.
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
    /// How often the last row is named again, which changes nothing.
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

/// Kept by its text.
impl<R> QueryId for Upsert<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Whether a column has one of these values. At most [`ROWS_PER_STATEMENT`] of them: use [`lists`].
pub(crate) fn one_of<'v, C>(column: C, values: &'v [&'v str]) -> OneOf<'v, C> {
    OneOf { column, values }
}

/// The values in lists that are short enough.
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
        // A value that is named twice changes nothing.
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

/// All of them, and the last once more and again.
pub(crate) fn filled<T>(all: &[T], filling: usize) -> impl Iterator<Item = &T> {
    let again = all.last().into_iter().cycle().take(filling);
    all.iter().chain(again)
}

/// How many rows a statement may have: so few sizes because every connection has to prepare each that it meets.
const SIZES: [usize; 5] = [1, 2, 8, 32, ROWS_PER_STATEMENT];

/// All rows in parts of these sizes, the largest first. What is left and fills half of one makes it full by its last row,
/// if that may be repeated.
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
                // What fills a part up repeats its last row.
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
