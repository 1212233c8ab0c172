//! Facts → rows: what the business tables hold of one proposal, as a function of its applied notices and links.
//!
//! A worker projects before and after its decisions and writes the difference, so no business table is ever read
//! to be written; `rebuild` projects and compares.

mod changes;
mod disagreement;
mod logs;
mod project;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde::Serialize;

pub use changes::{Changes, TableChanges};
pub use disagreement::{Disagreement, disagreements};

use crate::id::{Digest, InsureNum, PartnerId};
use crate::lifecycle::Status;

/// Identity of a payment or a cancellation: the first 128 bits of a SHA-256, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FactKey(pub String);

/// Which log row: the notice, and which time it happened (1, 2, 3… by first receipt). Not always the occurrence of
/// an entry, which counts by arrival, when a later copy may yet show two to have been one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogKey {
    pub digest: Digest,
    pub occurrence: i32,
}

/// Which person: policy number and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PersonKey {
    pub policy_num: InsureNum,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposalRow {
    pub partner_id: PartnerId,
    pub partner_unique_key: Option<String>,
    pub case_code: Option<String>,
    pub status: Option<Status>,
    pub e_policy_ready: bool,
    pub abnormal: bool,
    pub reissued_from: Option<InsureNum>,
    pub reissued_to: Option<InsureNum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentRow {
    pub success: bool,
    /// Fen.
    pub price_fen: Option<i64>,
    pub gateway: Option<i64>,
    /// Beijing wall-clock time.
    pub pay_time: Option<NaiveDateTime>,
    pub fail_msg: Option<String>,
    pub new_money: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PolicyRow {
    pub product_id: Option<i64>,
    pub product_name: Option<String>,
    pub plan_id: Option<i64>,
    pub plan_name: Option<String>,
    pub applicant: Option<String>,
    pub start_date: Option<NaiveDate>,
    pub end_date: Option<NaiveDate>,
    pub cancelled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonRow {
    pub cancelled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CancellationRow {
    pub notify_type: i64,
    pub success: bool,
    /// A sorted JSON array.
    pub insurants: Option<String>,
    pub new_insure_num: Option<InsureNum>,
    pub cancel_msg: Option<String>,
    pub fail_msg: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndorsementRow {
    pub status: i64,
    pub success: bool,
    pub msg: Option<String>,
    pub remark: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AbnormalityRow {
    pub fail_msg: Option<String>,
}

/// Everything that the business tables hold of one proposal, and the links it makes to others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    pub proposal: BTreeMap<(), ProposalRow>,
    pub payments: BTreeMap<FactKey, PaymentRow>,
    pub policies: BTreeMap<InsureNum, PolicyRow>,
    pub insured_persons: BTreeMap<PersonKey, PersonRow>,
    pub cancellations: BTreeMap<FactKey, CancellationRow>,
    pub endorsements: BTreeMap<LogKey, EndorsementRow>,
    pub abnormalities: BTreeMap<LogKey, AbnormalityRow>,
    /// Proposals that replace this one; each is told in a transaction of its own.
    pub reissues: BTreeMap<InsureNum, PartnerId>,
}

#[cfg(test)]
mod tests;
