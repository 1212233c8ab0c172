//! Notices whose bodies are gone.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::{Digest, NotifyType};
use xiebao_core::ledger::{Deliveries, Ledger, Pruned};

/// A notice whose body was emptied because of its age.
#[derive(Debug, Serialize)]
pub struct Emptied<'l> {
    /// Its place in the order of application.
    pub seq: i64,
    /// Its type.
    pub notify_type: NotifyType,
    /// Its digest.
    pub digest: &'l Digest,
    /// Its number among distinct repetitions of an endorsement or abnormality.
    pub occurrence: i32,
    /// When it came, and how often.
    pub received: Deliveries,
    /// When it was applied.
    pub applied_at: DateTime<Utc>,
    /// When its body was emptied.
    pub pruned_at: DateTime<Utc>,
    /// A person took it out of the facts.
    pub voided: bool,
}

/// The emptied notices of a ledger, in the order of their application.
pub fn of(ledger: &Ledger) -> Vec<Emptied<'_>> {
    let mut all: Vec<Emptied<'_>> = ledger.pruned.iter().map(Emptied::of).collect();
    all.sort_by_key(|emptied| emptied.seq);
    all
}

impl<'l> Emptied<'l> {
    fn of(known: &'l Pruned) -> Self {
        Self {
            seq: known.seq,
            notify_type: known.notify_type,
            digest: &known.digest,
            occurrence: known.occurrence,
            received: known.deliveries,
            applied_at: known.applied_at,
            pruned_at: known.pruned_at,
            voided: known.voided,
        }
    }
}
