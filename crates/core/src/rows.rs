//! Facts → rows: what the business tables hold of one proposal, as a function of its applied notices and links.
//!
//! A worker projects before and after its decisions and writes the difference, so it never reads a business table in order to
//! write it; `rebuild` projects and compares.
//!
//! # Adding a column
//!
//! [`business_tables!`](crate::business_tables) lists every table once, and every struct that has the columns of a table is made
//! from that list: the row structs, [`Rows`] and [`Changes`] here, the schema, the records and the comparison in the store. A
//! column takes
//!
//! 1. a line in `tables/list.rs`: name, type, SQL type, meaning;
//! 2. the line that computes it: where a fact is read (`facts/issue.rs` for `policies`, whose rows are statements of the notice)
//!    or where the row is projected (`rows/project.rs`, `rows/logs.rs`);
//! 3. a migration, and its lines in the store's `sql/inventory.txt`.
//!
//! CONTRIBUTING.md lists the files of people's pages, tests and the simulator.
//!
//! # Expanding the list elsewhere
//!
//! A crate that needs something for every table defines a `macro_rules!` macro whose pattern is the form of an entry (see
//! [`business_tables!`](crate::business_tables)) and passes its name. It matches the parts that it does not need as one token
//! tree: `$pattern:tt $keys:tt $columns:tt`. The store makes of each entry
//!
//! ```text
//! diesel::table! { $table (insure_num $(, $key)*) { insure_num -> Text, $($key -> $($key_sql)+,)* $($column -> $($sql)+,)+ } }
//!
//! pub struct $Record { insure_num: String, $($key: <$key_type as Plain>::Plain,)* $($column: <$type as Plain>::Plain,)+ }
//!
//! fn of(num: &InsureNum, key: &$Key, row: &$Row) -> $Record {
//!     let $($pattern)* = key;
//!     $Record { insure_num: num.plain(), $($key: $key.plain(),)* $($column: row.$column.plain(),)+ }
//! }
//!
//! fn row(self) -> Option<($Key, $Row)> {
//!     $(let $key = <$key_type as Plain>::restore(self.$key)?;)*
//!     Some(($($pattern)*, $Row { $($column: <$type as Plain>::restore(self.$column)?,)+ }))
//! }
//! ```
//!
//! where a trait of the store, `Plain`, turns each type of core into a plain value (`PartnerId` into `i64`, `InsureNum`, `Digest` and
//! `Status` into `String`, `Option` item by item) and back.

mod changes;
mod disagreement;
mod logs;
mod persons;
mod project;

use std::collections::BTreeMap;

pub use changes::{Changes, TableChanges};
pub use disagreement::{Disagreement, disagreements};

pub use crate::tables::{
    AbnormalityRow, CancellationRow, EndorsementRow, FactKey, LogKey, PaymentRow, PersonKey, PersonRow,
    PolicyRow, ProposalRow, UnmatchedRow,
};
use crate::tables::{InsureNum, PartnerId};

macro_rules! rows {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = $pattern:tt $keys:tt $columns:tt
    )+) => {
        /// Everything that the business tables hold of one proposal, and the links it makes to others.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Rows {
            $($(#[$doc])* pub $table: BTreeMap<$Key, $Row>,)+
            /// The proposals that replace this one, with the partner that states it. Each learns of it in a transaction of its own.
            pub reissues: BTreeMap<InsureNum, PartnerId>,
        }

        impl Rows {
            /// The number of rows in each business table.
            pub fn counts(&self) -> Vec<(&'static str, usize)> {
                vec![$((stringify!($table), self.$table.len())),+]
            }
        }
    };
}
crate::business_tables!(rows);

#[cfg(test)]
mod tests;
