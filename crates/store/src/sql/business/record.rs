use std::collections::BTreeMap;

use serde::Serialize;
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{Changes, Rows, TableChanges};

use crate::sql::bulk::Row;
use crate::{Connection, StoreError};

/// A row as the database holds it, see [`Plain`](super::plain::Plain).
pub(crate) trait Record: Row + Serialize + PartialEq + Clone + Sized {
    const TABLE: &'static str;
    /// Names of the columns of the key, `insure_num` first.
    const KEY: &'static [&'static str];
    type Key: Ord + Clone;

    fn key(&self) -> Self::Key;

    /// All rows of these proposals.
    async fn read(conn: &mut Connection, proposals: &[&str]) -> Result<Vec<Self>, StoreError>;
    /// The first `limit` proposal numbers after `after` that have rows in this table.
    async fn proposals(conn: &mut Connection, after: &str, limit: i64) -> Result<Vec<String>, StoreError>;
    async fn delete(conn: &mut Connection, keys: &[Self::Key]) -> Result<(), StoreError>;
}

/// A record of a business table: the counterpart of a row that core computes.
pub(crate) trait Derived: Record {
    type RowKey: Ord;
    type Row;

    /// The rows of this table.
    fn rows(rows: &Rows) -> &BTreeMap<Self::RowKey, Self::Row>;
    /// The changes of this table.
    fn changes(changes: &Changes) -> &TableChanges<Self::RowKey, Self::Row>;
    fn of(num: &InsureNum, key: &Self::RowKey, row: &Self::Row) -> Self;
    fn key_of(num: &InsureNum, key: &Self::RowKey) -> Self::Key;
    /// `None` if a column that must have a value of core has none.
    fn restore(self) -> Option<(Self::RowKey, Self::Row)>;
}

/// A table's row and its statements, one of each for every table.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $table:ident as $name:ident by ($($key:ident: $key_type:ty),+) { $($column:ident: $type:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable)]
        #[diesel(table_name = $table, check_for_backend(diesel::mysql::Mysql))]
        pub(crate) struct $name {
            $(pub $key: $key_type,)+
            $(pub $column: $type,)+
        }

        $crate::sql::bulk::bulk_row!($name => $table { $($key,)+ $($column),+ } updating { $($column),+ });

        impl $crate::sql::business::Record for $name {
            const TABLE: &'static str = stringify!($table);
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];
            type Key = ($($key_type,)+);

            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }

            async fn read(conn: &mut Connection, proposals: &[&str]) -> Result<Vec<Self>, StoreError> {
                let rows = $table::table
                    .filter($table::insure_num.eq_any(proposals))
                    .select(Self::as_select());
                Ok(rows.load(conn).await?)
            }

            async fn proposals(
                conn: &mut Connection,
                after: &str,
                limit: i64,
            ) -> Result<Vec<String>, StoreError> {
                let numbers = $table::table
                    .filter($table::insure_num.gt(after))
                    .select($table::insure_num)
                    .distinct()
                    .order($table::insure_num)
                    .limit(limit);
                Ok(numbers.load(conn).await?)
            }

            async fn delete(conn: &mut Connection, keys: &[Self::Key]) -> Result<(), StoreError> {
                for ($($key,)+) in keys {
                    let row = $table::table$(.filter($table::$key.eq($key)))+;
                    diesel::delete(row).execute(conn).await?;
                }
                Ok(())
            }
        }
    };
}
pub(crate) use record;
