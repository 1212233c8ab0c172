//! A notice of a ledger: where it stands, how long it waits, when it came in.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::facts::Notice;
use crate::id::Digest;

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Place {
    Applied {
        /// 1, 2, 3… within the proposal.
        seq: i64,
        at: DateTime<Utc>,
    },
    Held,
}

/// The wait of a notice: from when a worker first held it, until when at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// When the deliveries of one notice came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Receipts {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// How often it came.
    pub count: i64,
}

impl Receipts {
    pub fn one(at: DateTime<Utc>) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
        }
    }

    /// Counts one more. A message that the broker hands out again is counted once, as far as its time tells.
    pub fn add(&mut self, at: DateTime<Utc>, redelivered: bool) {
        if redelivered && (at == self.first || at == self.last) {
            return;
        }
        self.reach(at);
        self.count += 1;
    }

    pub(super) fn reach(&mut self, at: DateTime<Utc>) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

/// What of an entry the database does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    Stored,
    Changed,
    New,
}

/// A notice of the ledger.
#[derive(Debug, Clone)]
pub struct Entry {
    pub notice: Arc<Notice>,
    /// The HTTP body, byte for byte.
    pub raw: Bytes,
    /// 1, except for endorsements and abnormalities that truly came again.
    pub occurrence: i32,
    pub place: Place,
    /// `None`: it never waited.
    pub hold: Option<Hold>,
    /// Applied though a predecessor had not come.
    pub out_of_order: bool,
    /// A person has taken it out of the facts. It stays applied, and known for ever.
    pub voided: bool,
    pub receipts: Receipts,
    pub novelty: Novelty,
}

impl Entry {
    pub fn is_held(&self) -> bool {
        self.place == Place::Held
    }

    pub fn is_applied(&self) -> bool {
        !self.is_held()
    }

    /// What tells it from the other entries of its ledger.
    pub fn name(&self) -> (Digest, i32) {
        (self.notice.digest.clone(), self.occurrence)
    }

    pub(super) fn note_change(&mut self) {
        if self.novelty == Novelty::Stored {
            self.novelty = Novelty::Changed;
        }
    }
}
