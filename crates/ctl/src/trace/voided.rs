//! Notices that a person has taken out of the facts.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::ledger::Entry;
use xiebao_store::sql::operations::{Action, Operation};

/// Who took a notice out of the facts, when and why.
#[derive(Debug, Serialize)]
pub struct Voided {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub reason: String,
}

impl Voided {
    /// By the last deed that voided it, of deeds oldest first.
    pub fn find(entry: &Entry, operations: &[Operation]) -> Option<Self> {
        let digest = Some(entry.notice.digest.as_str());
        let voids =
            |deed: &&Operation| deed.action == Action::VoidNotice.name() && deed.digest.as_deref() == digest;
        let deed = operations.iter().rev().find(voids).filter(|_| entry.voided)?;
        Some(Self {
            at: deed.at.and_utc(),
            actor: deed.actor.clone(),
            reason: deed.reason.clone().unwrap_or_default(),
        })
    }
}
