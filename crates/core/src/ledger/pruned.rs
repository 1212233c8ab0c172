//! A notice of which all is known but what it said.

use chrono::{DateTime, Utc};

use super::Receipts;
use crate::id::{Digest, NotifyType, PartnerId};

/// An applied notice whose body was emptied because of its age. A copy of it is a duplicate for ever; rows can't be made
/// from it any more, and so neither from what comes anew to its proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    pub notify_type: NotifyType,
    pub digest: Digest,
    pub occurrence: i32,
    pub partner_id: PartnerId,
    pub seq: i64,
    pub applied_at: DateTime<Utc>,
    pub pruned_at: DateTime<Utc>,
    pub voided: bool,
    pub receipts: Receipts,
    /// A copy has come, which the database does not know yet.
    pub recounted: bool,
}
