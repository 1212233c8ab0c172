//! The business tables: the key and the columns of each, listed once.
//!
//! [`business_tables!`](crate::business_tables) is that list. It passes all tables to the macro that its caller names, which
//! makes of them what its crate needs. Core makes the row structs below, [`Rows`](crate::rows::Rows) and
//! [`Changes`](crate::rows::Changes); the store makes its schema, its records and its statements. Schema,
//! records and statements follow from it; [Adding a column](crate::rows) names the other places.
//!
//! This module depends on identities and statuses only, so that both the facts and the rows can use it.

mod expand;
mod list;
mod statement;

pub use chrono::{NaiveDate, NaiveDateTime};
use serde::Serialize;

use expand::row_structs;
pub(crate) use statement::Statement;

pub use crate::id::{Digest, InsureNum, PartnerId};
pub use crate::status::Status;

/// Identity of a payment or a cancellation: the first 128 bits of a SHA-256, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FactKey(pub String);

/// Key of a row of a log: the notice, and its occurrence.
///
/// Occurrences are numbered 1, 2, 3… by first receipt. [`Entry::occurrence`](crate::ledger::Entry::occurrence) counts by arrival
/// instead, so the two can differ: a later copy may show that two entries are one occurrence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogKey {
    /// Digest of the notice.
    pub digest: Digest,
    /// 1, 2, 3… by first receipt.
    pub occurrence: i32,
}

/// Key of an insured person: policy number and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PersonKey {
    /// The policy that insures the person.
    pub policy_num: InsureNum,
    /// Without white space at either end.
    pub name: String,
}

crate::business_tables!(row_structs);
