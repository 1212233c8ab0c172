//! A finding of the doctor: one thing that was examined, and how it is.

pub mod concern;

use serde::Serialize;

use concern::Concern;

/// One thing that was found, with all that is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// The configuration is sound.
    ConfigurationSound,
    /// A fault of the configuration.
    ConfigurationFaulty {
        /// The fault, in English.
        fault: String,
    },
    /// The keys file is sound.
    KeysSound {
        /// How many partners it names.
        partners: usize,
        /// How many keys it holds.
        keys: usize,
    },
    /// No keys file is configured; only the receiver needs one.
    KeysNotSet,
    /// The keys file cannot be read.
    KeysFaulty {
        /// Why, in English.
        problem: String,
    },
    /// The broker answers.
    BrokerReached {
        /// The address, without password.
        address: String,
    },
    /// One address of several does not answer; another does.
    BrokerNodeAway {
        /// The address, without password.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// The broker does not answer.
    BrokerUnreachable {
        /// The address, without password.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// An exchange is as wanted.
    ObjectSound {
        /// Kind and name, as in `queue xiebao.notices`.
        object: String,
    },
    /// A queue is as wanted.
    QueueSound {
        /// Kind and name, as in `queue xiebao.notices`.
        object: String,
        /// Messages that are ready.
        messages: u32,
        /// Its consumers.
        consumers: u32,
    },
    /// An exchange or queue is missing.
    ObjectMissing {
        /// Kind and name, as in `queue xiebao.notices`.
        object: String,
    },
    /// An exchange or queue is not as wanted.
    ObjectDiffers {
        /// Kind and name, as in `queue xiebao.notices`.
        object: String,
        /// How it differs, in English.
        difference: String,
    },
    /// The database answers.
    DatabaseReached {
        /// The address, without password.
        address: String,
        /// The version of the server.
        version: String,
    },
    /// The database does not answer.
    DatabaseUnreachable {
        /// The address, without password.
        address: String,
        /// Why, in English.
        problem: String,
    },
    /// The schema is that of this release.
    SchemaCurrent,
    /// The database lacks migrations.
    SchemaPending {
        /// Their names.
        names: Vec<String>,
    },
    /// The database has migrations that this release does not know.
    SchemaNewer {
        /// Their versions.
        versions: Vec<String>,
    },
    /// The clocks of this machine and the database agree.
    ClocksAgree {
        /// How far the clock of the database is ahead, in milliseconds.
        difference_ms: i64,
    },
    /// The clocks of this machine and the database differ by seconds.
    ClocksDiffer {
        /// How far the clock of the database is ahead, in milliseconds.
        difference_ms: i64,
    },
    /// It works today and may fail tomorrow.
    Concerning(Concern),
}

/// How a finding affects the services, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong.
    Fine,
    /// Nothing is wrong, but a person should know.
    Noted,
    /// A check failed.
    Wrong,
    /// The broker or the database does not answer.
    Unreachable,
    /// The configuration is wrong.
    Misconfigured,
}

impl Finding {
    /// Its severity.
    pub fn severity(&self) -> Severity {
        match self {
            Finding::ConfigurationSound
            | Finding::KeysSound { .. }
            | Finding::BrokerReached { .. }
            | Finding::ObjectSound { .. }
            | Finding::QueueSound { .. }
            | Finding::DatabaseReached { .. }
            | Finding::SchemaCurrent
            | Finding::ClocksAgree { .. } => Severity::Fine,
            Finding::Concerning(concern) => concern.severity(),
            Finding::KeysNotSet => Severity::Noted,
            Finding::BrokerNodeAway { .. }
            | Finding::ObjectMissing { .. }
            | Finding::ObjectDiffers { .. }
            | Finding::SchemaPending { .. }
            | Finding::SchemaNewer { .. }
            | Finding::ClocksDiffer { .. } => Severity::Wrong,
            Finding::BrokerUnreachable { .. } | Finding::DatabaseUnreachable { .. } => Severity::Unreachable,
            Finding::ConfigurationFaulty { .. } | Finding::KeysFaulty { .. } => Severity::Misconfigured,
        }
    }
}
