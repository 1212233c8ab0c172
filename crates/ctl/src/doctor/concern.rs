//! What works today and need not tomorrow: settings, rights, and a server that is set to lose what it has promised.

use serde::Serialize;

use super::Verdict;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "concern", rename_all = "snake_case")]
pub enum Concern {
    /// `receiver.shutdown_timeout_ms` is less than what may be in flight.
    ShutdownTooShort {
        is_ms: u64,
        needed_ms: u64,
    },
    /// No network is named, and the path is the one that everybody knows.
    AnyoneMayPost,
    /// `database.pool_size` is less than what the lanes and the other tasks need.
    PoolTooSmall {
        is: usize,
        needed: usize,
    },
    /// Passwords and notices go over a network in the clear.
    NotEncrypted {
        key: &'static str,
        address: String,
    },
    KeysReadableByAll {
        path: String,
        mode: String,
    },
    /// The key of that number (1: current) of a partner looks like none.
    KeySuspicious {
        partner: String,
        number: usize,
        why: KeyDoubt,
    },
    DatabaseTooOld {
        version: String,
        needed: String,
    },
    /// A variable of the server, with which it may lose what it has confirmed or refuses what is needed.
    DatabaseSetting {
        name: String,
        is: String,
        wanted: String,
    },
    /// It has fewer connections free than `database.pool_size`.
    ConnectionsScarce {
        free: i64,
        needed: usize,
    },
    /// The tables are not what the migrations have made.
    SchemaDrifted {
        missing: Vec<String>,
        unexpected: Vec<String>,
    },
    SchemaAsMigrated,
    /// The exchange or queue that what is refused goes through; no notice does.
    RecordMissing {
        object: String,
    },
    /// The same; it differs, or may not be declared.
    RecordDiffers {
        object: String,
        difference: String,
    },
    ServiceReady {
        url: String,
    },
    ServiceNotReady {
        url: String,
        why: String,
    },
    /// It may run elsewhere.
    ServiceNotReached {
        url: String,
        problem: String,
    },
}

/// Why a key looks like none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyDoubt {
    /// Fewer than 8 characters.
    Short,
    /// Blanks, quotes or line ends at an end.
    Framed,
    /// It reads like an example.
    Placeholder,
    /// The partner has it twice.
    Repeated,
}

impl Concern {
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::SchemaAsMigrated | Self::ServiceReady { .. } => Verdict::Fine,
            Self::ShutdownTooShort { .. }
            | Self::AnyoneMayPost
            | Self::PoolTooSmall { .. }
            | Self::NotEncrypted { .. }
            | Self::KeysReadableByAll { .. }
            | Self::KeySuspicious { .. }
            | Self::ConnectionsScarce { .. }
            | Self::RecordMissing { .. }
            | Self::ServiceNotReached { .. } => Verdict::Noted,
            Self::SchemaDrifted { missing, .. } if missing.is_empty() => Verdict::Noted,
            Self::SchemaDrifted { .. }
            | Self::RecordDiffers { .. }
            | Self::DatabaseTooOld { .. }
            | Self::DatabaseSetting { .. }
            | Self::ServiceNotReady { .. } => Verdict::Wrong,
        }
    }
}
