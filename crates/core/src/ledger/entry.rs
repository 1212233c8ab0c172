//! A notice of a ledger: its state, its wait and its deliveries.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::facts::Notice;
use crate::id::Digest;

/// The state of a notice: `notices.outcome`, with the columns that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum State {
    /// Its facts count.
    Applied {
        /// 1, 2, 3… in the order of applying within the proposal.
        seq: i64,
        /// UTC.
        at: DateTime<Utc>,
    },
    /// It waits for a predecessor.
    Held,
}

/// The wait of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The moment when a worker first held the notice, UTC.
    pub at: DateTime<Utc>,
    /// The end of the wait at the latest, UTC.
    pub until: DateTime<Utc>,
}

/// The deliveries of one notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Deliveries {
    /// The earliest receipt, UTC.
    pub first: DateTime<Utc>,
    /// The latest receipt, UTC.
    pub last: DateTime<Utc>,
    /// The number of deliveries.
    pub count: i64,
}

impl Deliveries {
    /// A single delivery.
    pub fn one(at: DateTime<Utc>) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
        }
    }

    /// Counts one more delivery. A message that the broker delivers again counts once, as far as its time of receipt shows.
    pub fn add(&mut self, at: DateTime<Utc>, redelivered: bool) {
        if redelivered && (at == self.first || at == self.last) {
            return;
        }
        self.extend_to(at);
        self.count += 1;
    }

    /// Extends the period to a delivery that is counted elsewhere.
    pub(crate) fn extend_to(&mut self, at: DateTime<Utc>) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

/// The difference between an entry and its row in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteState {
    /// The row is up to date.
    Stored,
    /// The row has to be updated.
    Changed,
    /// The row has to be inserted.
    New,
}

/// A notice of the ledger.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its content.
    pub notice: Arc<Notice>,
    /// The HTTP body, byte for byte.
    pub raw: Bytes,
    /// 1, or greater for an endorsement or abnormality that repeats: 2, 3… in the order of arrival.
    pub occurrence: i32,
    /// Applied or held.
    pub state: State,
    /// `None` if the notice never waited.
    pub hold: Option<Hold>,
    /// Applied without a predecessor: its wait ended, or a person released it.
    pub out_of_order: bool,
    /// A person has excluded the notice from the facts. It stays applied, and copies of it stay duplicates.
    pub voided: bool,
    /// Its deliveries.
    pub deliveries: Deliveries,
    /// The difference from its row in the database.
    pub write_state: WriteState,
}

impl Entry {
    /// The notice is held.
    pub fn is_held(&self) -> bool {
        self.state == State::Held
    }

    /// The notice is applied, voided or not.
    pub fn is_applied(&self) -> bool {
        !self.is_held()
    }

    /// Identifies the entry within its ledger.
    pub fn key(&self) -> (Digest, i32) {
        (self.notice.digest.clone(), self.occurrence)
    }

    pub(crate) fn set_changed(&mut self) {
        if self.write_state == WriteState::Stored {
            self.write_state = WriteState::Changed;
        }
    }
}
