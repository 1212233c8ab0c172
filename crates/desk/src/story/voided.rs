//! Notices that a person took out of the facts.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::ledger::Entry;
use xiebao_store::sql::operations::{Action, Operation};

/// Who took a notice out of the facts, when and why.
#[derive(Debug, Serialize)]
pub struct Voided {
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

impl Voided {
    /// The last operation that voided the notice, if it is voided. `operations`: oldest first.
    pub fn find(entry: &Entry, operations: &[Operation]) -> Option<Self> {
        let digest = Some(entry.notice.digest.as_str());
        let voids = |operation: &&Operation| {
            operation.action == Action::VoidNotice.name() && operation.digest.as_deref() == digest
        };
        let operation = operations.iter().rev().find(voids).filter(|_| entry.voided)?;
        Some(Self {
            at: operation.at.and_utc(),
            actor: operation.actor.clone(),
            reason: operation.reason.clone().unwrap_or_default(),
        })
    }
}
