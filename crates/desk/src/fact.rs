//! A fact of the status: one thing that was seen, with all that is to be said about it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// The broker does not answer.
    BrokerAway {
        /// Its addresses, without passwords.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// The database does not answer.
    DatabaseAway {
        /// Its address, without password.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// The database answers with an error: a table is missing, or this release cannot read a row.
    DatabaseRefuses {
        /// Its address, without password.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// A queue that is as wanted.
    Queue {
        /// Its name.
        name: String,
        /// Messages that are ready.
        messages: u32,
        /// Its consumers.
        consumers: u32,
    },
    /// A queue is missing, or not as wanted.
    QueueWrong {
        /// Its name.
        name: String,
        /// Notices go through it.
        #[serde(skip)]
        carries_notices: bool,
    },
    /// Notices that wait for an earlier one.
    Held {
        /// Proposals that have such notices.
        proposals: i64,
        /// Such notices.
        notices: i64,
        /// When the oldest wait began.
        oldest: Option<DateTime<Utc>>,
        /// Notices whose wait should have ended.
        overdue: i64,
    },
    /// Dead letters that wait for a decision.
    DeadLetters {
        /// How many.
        open: i64,
        /// How many per group of causes.
        by_reason: BTreeMap<String, i64>,
    },
    /// Proposals that were paid and not issued.
    Stuck {
        /// How many.
        count: i64,
        /// When the first of them was paid.
        oldest: Option<DateTime<Utc>>,
        /// The age from which a proposal counts, in seconds.
        after_seconds: u64,
    },
    /// Proposals with a cancellation that names a person who is in no policy.
    Unmatched {
        /// How many.
        proposals: i64,
    },
    /// Requests that were refused in the last hour. Strangers may post anything to a listener that they reach, so only `missing`
    /// needs a person.
    Refused {
        /// How many.
        requests: i64,
        /// How many per verdict.
        by_verdict: BTreeMap<String, i64>,
        /// Notices among them that have not come since: authentic ones, and those that a wrong key or form may have kept
        /// from being so.
        missing: usize,
    },
    /// A running service.
    Service {
        /// Its admin listener.
        url: String,
        /// It would do its work now.
        ready: bool,
        /// Why it is not ready.
        why: Option<String>,
        /// Requests or deliveries since its start, by result.
        counts: BTreeMap<String, f64>,
        /// All of them per second, since the last look.
        per_second: Option<f64>,
    },
}

impl Fact {
    /// Nobody has to do anything.
    pub fn is_well(&self) -> bool {
        match self {
            Self::BrokerAway { .. }
            | Self::DatabaseAway { .. }
            | Self::DatabaseRefuses { .. }
            | Self::QueueWrong { .. } => false,
            Self::Queue { consumers, .. } => *consumers > 0,
            Self::Held { overdue, .. } => *overdue == 0,
            Self::DeadLetters { open, .. } => *open == 0,
            Self::Stuck { count, .. } => *count == 0,
            Self::Unmatched { proposals } => *proposals == 0,
            Self::Refused { missing, .. } => *missing == 0,
            Self::Service { ready, .. } => *ready,
        }
    }

    /// The broker or the database does not answer.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::BrokerAway { .. } | Self::DatabaseAway { .. })
    }
}
