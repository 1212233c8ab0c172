//! SQL in small functions, one per statement. Each file holds the statements of one table or one question.

pub mod attempts;
pub(crate) mod bulk;
pub mod business;
mod by_keys;
pub mod dead_letters;
pub mod find;
pub mod holds;
pub mod inventory;
pub mod links;
pub mod locks;
pub mod migrations;
pub mod notices;
pub mod operations;
pub mod prune;
pub mod refused;
pub mod samples;
pub mod server;
pub mod stuck;
mod text_enum;

/// `VALUES(column)`: in an upsert, the value of the row to insert. There is no newer spelling that both MySQL and
/// MariaDB accept.
macro_rules! incoming {
    ($($column:path),+ $(,)?) => {
        ($($column.eq($crate::sql::values_of($column)),)+)
    };
}
pub(crate) use incoming;

/// See [`incoming!`].
pub(crate) fn values_of<C>(_: C) -> diesel::expression::SqlLiteral<C::SqlType>
where
    C: diesel::Column + diesel::Expression,
    C::SqlType: diesel::sql_types::SingleValue,
{
    diesel::dsl::sql(&format!("VALUES({})", C::NAME))
}
