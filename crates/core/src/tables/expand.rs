//! The row structs of core.

/// One struct a table, without its key.
macro_rules! row_structs {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = ($($pattern:tt)*)
        { $($keys:tt)* }
        { $($(#[$column_doc:meta])* $column:ident: $type:ty [$($sql:tt)+]),+ $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct $Row {
            $($(#[$column_doc])* pub $column: $type,)+
        }

        crate::tables::statement::statement!($table $Row { $($column)+ });
    )+};
}
pub(super) use row_structs;
