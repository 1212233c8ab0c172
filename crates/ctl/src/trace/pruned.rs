//! Notices of which all is known but what they said.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::id::{Digest, NotifyType};
use xiebao_core::ledger::{Deliveries, Ledger, Pruned};

use crate::words::Words;

/// A notice whose body was emptied because of its age.
#[derive(Debug, Serialize)]
pub struct Emptied<'l> {
    pub seq: i64,
    pub notify_type: NotifyType,
    pub digest: &'l Digest,
    pub occurrence: i32,
    pub received: Deliveries,
    pub applied_at: DateTime<Utc>,
    pub pruned_at: DateTime<Utc>,
    pub voided: bool,
}

/// In the order of applying.
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

    pub fn lines(&self, words: &dyn Words) -> Vec<String> {
        vec![
            words.notice(Some(self.notify_type)),
            words.clauses(&[words.received(&self.received), words.pruned_at(self.pruned_at)]),
        ]
    }
}
