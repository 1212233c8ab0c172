//! The rows of the tables that are derived from `notices`, column by column as the database holds them.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use xiebao_core::rows::{Changes, Rows, TableChanges};
use xiebao_core::tables::*;

use super::plain::Plain;
use super::record::{Derived, record};
use crate::schema::{
    abnormalities, cancellations, endorsements, holds, insured_persons, payments, policies, proposals,
    reissue_links, unmatched_persons,
};
use crate::{Connection, StoreError};

/// A record for every business table, from the list of core.
macro_rules! business_records {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = ($($pattern:tt)*)
        { $($key:ident: $key_type:ty [$($key_sql:tt)+]),* $(,)? }
        { $($(#[$column_doc:meta])* $column:ident: $type:ty [$($sql:tt)+]),+ $(,)? }
    )+) => {$(
        record! {
            $(#[$doc])*
            $table as $Record by (insure_num: String $(, $key: <$key_type as Plain>::Plain)*) {
                $($column: <$type as Plain>::Plain),+
            }
        }

        impl Derived for $Record {
            type RowKey = $Key;
            type Row = $Row;

            fn rows(rows: &Rows) -> &BTreeMap<$Key, $Row> {
                &rows.$table
            }

            fn changes(changes: &Changes) -> &TableChanges<$Key, $Row> {
                &changes.$table
            }

            fn of(num: &InsureNum, key: &$Key, row: &$Row) -> Self {
                let $($pattern)* = key;
                Self {
                    insure_num: num.plain(),
                    $($key: $key.plain(),)*
                    $($column: row.$column.plain(),)+
                }
            }

            fn key_of(num: &InsureNum, key: &$Key) -> Self::Key {
                let $($pattern)* = key;
                (num.plain(), $($key.plain(),)*)
            }

            fn restore(self) -> Option<($Key, $Row)> {
                $(let $key = <$key_type as Plain>::restore(self.$key)?;)*
                let row = $Row { $($column: <$type as Plain>::restore(self.$column)?,)+ };
                Some(($($pattern)*, row))
            }
        }
    )+};
}
xiebao_core::business_tables!(business_records);

record! {
    /// The end of the earliest wait of a proposal.
    holds as HoldRow by (insure_num: String) {
        due_at: NaiveDateTime,
    }
}

record! {
    /// A link as the new proposal knows it.
    reissue_links as LinkRow by (insure_num: String, reissued_from: String) {
        partner_id: i64,
    }
}
