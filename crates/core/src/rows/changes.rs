use std::collections::BTreeMap;

use super::Rows;
use crate::tables::*;

/// The difference between two states of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChanges<K, R> {
    /// New rows, and rows that differ.
    pub upserts: Vec<(K, R)>,
    /// Keys of the rows that are gone.
    pub deletes: Vec<K>,
}

impl<K: Ord + Clone, R: PartialEq + Clone> TableChanges<K, R> {
    fn between(before: &BTreeMap<K, R>, after: &BTreeMap<K, R>) -> Self {
        let upserts = after.iter().filter(|(key, row)| before.get(key) != Some(row));
        let deletes = before.keys().filter(|key| !after.contains_key(key));
        Self {
            upserts: upserts.map(|(key, row)| (key.clone(), row.clone())).collect(),
            deletes: deletes.cloned().collect(),
        }
    }

    /// The two states are the same.
    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && self.deletes.is_empty()
    }
}

macro_rules! changes {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = $pattern:tt $keys:tt $columns:tt
    )+) => {
        /// The difference between two states of one proposal's rows.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Changes {
            $($(#[$doc])* pub $table: TableChanges<$Key, $Row>,)+
            /// The proposals that replace this one.
            pub reissues: TableChanges<InsureNum, PartnerId>,
        }

        impl Changes {
            /// The changes from `before` to `after`.
            pub fn between(before: &Rows, after: &Rows) -> Self {
                Self {
                    $($table: TableChanges::between(&before.$table, &after.$table),)+
                    reissues: TableChanges::between(&before.reissues, &after.reissues),
                }
            }
        }
    };
}
crate::business_tables!(changes);
