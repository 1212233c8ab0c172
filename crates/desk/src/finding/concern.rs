//! Concerns: risky settings, wrong rights, and a server whose settings may lose confirmed data.

use serde::Serialize;

use super::Severity;

/// Something that works today and may fail tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "concern", rename_all = "snake_case")]
pub enum Concern {
    /// `receiver.shutdown_timeout_ms` is shorter than a request may take.
    ShutdownTooShort {
        /// The setting, in milliseconds.
        is_ms: u64,
        /// The least that is needed, in milliseconds.
        needed_ms: u64,
    },
    /// No network is allowed by name, and the path is the default that everybody knows.
    AnyoneMayPost,
    /// `database.pool_size` is smaller than the lanes and the other tasks need.
    PoolTooSmall {
        /// The setting.
        is: usize,
        /// The least that is needed.
        needed: usize,
    },
    /// Passwords and notices cross a network unencrypted.
    NotEncrypted {
        /// The setting that holds the address.
        key: &'static str,
        /// The address, without password.
        address: String,
    },
    /// Every user of the machine can read the keys file.
    KeysReadableByAll {
        /// The file.
        path: String,
        /// Its permissions, in octal.
        mode: String,
    },
    /// A key does not look like one.
    KeySuspicious {
        /// Whose key.
        partner: String,
        /// Its number; 1 is the current one.
        number: usize,
        /// Why.
        why: KeyDoubt,
    },
    /// The database server is too old.
    DatabaseTooOld {
        /// The version of the server.
        version: String,
        /// The oldest version that works.
        needed: String,
    },
    /// A variable of the database server may make it lose confirmed data or refuse statements.
    DatabaseSetting {
        /// The variable.
        name: String,
        /// Its value.
        is: String,
        /// The value that it should have.
        wanted: String,
    },
    /// The database has fewer free connections than `database.pool_size`.
    ConnectionsScarce {
        /// How many are free.
        free: i64,
        /// The least that is needed.
        needed: usize,
    },
    /// The tables are not as the migrations made them.
    SchemaDrifted {
        /// Columns and keys that are missing.
        missing: Vec<String>,
        /// Columns and keys that are there instead or besides.
        unexpected: Vec<String>,
    },
    /// The tables are as the migrations made them.
    SchemaAsMigrated,
    /// Nobody has looked at the broker's policies.
    PoliciesUnknown {
        /// Why, in English.
        problem: String,
    },
    /// No policy of the broker loses notices.
    PoliciesSafe,
    /// A policy of the broker may lose the messages of a queue.
    PolicyLoses {
        /// The queue.
        queue: String,
        /// The key of the policy.
        key: String,
        /// Its value.
        value: String,
    },
    /// An exchange or queue for the record of refused requests is missing. No notice goes through it.
    RecordMissing {
        /// Kind and name, as in `queue xiebao.refused`.
        object: String,
    },
    /// An exchange or queue for the record of refused requests is not as wanted, or may not be declared.
    RecordDiffers {
        /// Kind and name, as in `queue xiebao.refused`.
        object: String,
        /// How it differs, in English.
        difference: String,
    },
    /// A service is ready.
    ServiceReady {
        /// Its admin listener.
        url: String,
    },
    /// A service answers and is not ready.
    ServiceNotReady {
        /// Its admin listener.
        url: String,
        /// Why, in its words.
        why: String,
    },
    /// A service does not answer; it may run elsewhere.
    ServiceNotReached {
        /// Its admin listener.
        url: String,
        /// Why, in English.
        problem: String,
    },
}

/// Why a key does not look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyDoubt {
    /// It has fewer than 8 characters.
    Short,
    /// It begins or ends with a blank, a quote or a line end.
    Framed,
    /// It reads like an example.
    Placeholder,
    /// The partner has it twice.
    Repeated,
}

impl Concern {
    /// Its severity.
    pub fn severity(&self) -> Severity {
        match self {
            Self::SchemaAsMigrated | Self::ServiceReady { .. } | Self::PoliciesSafe => Severity::Fine,
            Self::ShutdownTooShort { .. }
            | Self::AnyoneMayPost
            | Self::PoolTooSmall { .. }
            | Self::NotEncrypted { .. }
            | Self::KeysReadableByAll { .. }
            | Self::KeySuspicious { .. }
            | Self::ConnectionsScarce { .. }
            | Self::RecordMissing { .. }
            | Self::PoliciesUnknown { .. }
            | Self::ServiceNotReached { .. } => Severity::Noted,
            Self::SchemaDrifted { missing, .. } if missing.is_empty() => Severity::Noted,
            Self::SchemaDrifted { .. }
            | Self::RecordDiffers { .. }
            | Self::PolicyLoses { .. }
            | Self::DatabaseTooOld { .. }
            | Self::DatabaseSetting { .. }
            | Self::ServiceNotReady { .. } => Severity::Wrong,
        }
    }
}
