//! The configuration: built-in defaults, under a TOML file, under the environment (`XIEBAO__SECTION__KEY`).
//!
//! One pass finds every fault and names its key. Secrets are never shown.

mod environment;
mod faults;
mod layers;
mod otlp;
mod reader;
mod secret;
mod sections;
mod sequencing;
mod values;

use std::path::{Path, PathBuf};

use xiebao_core::rules::Rules;

pub use environment::Environment;
pub use faults::{Fault, Faults};
pub use otlp::{Endpoint, OtlpConfig};
pub use secret::{Secret, without_password};
pub use sections::{AmqpConfig, DatabaseConfig, LogConfig, LogFormat, ReceiverConfig, WorkerConfig};

use reader::Reader;
pub(crate) use values::log_level;

/// All settings, validated.
#[derive(Debug, Clone)]
pub struct Config {
    /// `amqp.*`; `Some` if `amqp.url` is set. See [`Needs`].
    pub amqp: Option<AmqpConfig>,
    /// `database.*`; `Some` if `database.url` is set. See [`Needs`].
    pub database: Option<DatabaseConfig>,
    /// `receiver.*`
    pub receiver: ReceiverConfig,
    /// `worker.*`
    pub worker: WorkerConfig,
    /// The file of the partners' keys; see [`crate::keys`].
    pub keys_file: Option<PathBuf>,
    /// `subscribed` and `sequencing.*`.
    pub rules: Rules,
    /// `log.*`
    pub log: LogConfig,
    /// `otlp.*`; `Some` if `otlp.endpoint` is set.
    pub otlp: Option<OtlpConfig>,
}

/// The settings that a program requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// `amqp.url`.
    pub amqp: bool,
    /// `database.url`.
    pub database: bool,
    /// `keys_file`, which is also read, so that its faults are reported with the others.
    pub keys: bool,
}

impl Needs {
    /// Nothing is required.
    pub const NOTHING: Self = Self {
        amqp: false,
        database: false,
        keys: false,
    };
    /// The receiver: broker and keys.
    pub const RECEIVER: Self = Self {
        amqp: true,
        database: false,
        keys: true,
    };
    /// The worker: broker and database.
    pub const WORKER: Self = Self {
        amqp: true,
        database: true,
        keys: false,
    };
}

impl Config {
    /// Reads and validates everything.
    ///
    /// # Errors
    /// Every fault; if the file is not TOML, only that one.
    pub fn load(file: Option<&Path>, environment: &Environment, needs: Needs) -> Result<Self, Faults> {
        let settings = layers::collect(file, environment).map_err(|fault| Faults(vec![fault]))?;
        let mut reader = Reader::new(settings);
        let config = Self {
            amqp: sections::amqp(&mut reader, needs.amqp),
            database: sections::database(&mut reader, needs.database),
            receiver: sections::receiver(&mut reader),
            worker: sections::worker(&mut reader),
            keys_file: keys_file(&mut reader, needs.keys),
            rules: sequencing::read(&mut reader),
            log: sections::log(&mut reader),
            otlp: otlp::read(&mut reader),
        };
        match reader.finish() {
            faults if faults.is_empty() => Ok(config),
            faults => Err(Faults(faults)),
        }
    }

    /// The broker's settings, for a command that finds out late that it needs them.
    ///
    /// # Errors
    /// If `amqp.url` is missing.
    pub fn require_amqp(&self) -> Result<&AmqpConfig, Faults> {
        self.amqp.as_ref().ok_or_else(|| missing("amqp.url"))
    }

    /// The database's settings, for a command that finds out late that it needs them.
    ///
    /// # Errors
    /// If `database.url` is missing.
    pub fn require_database(&self) -> Result<&DatabaseConfig, Faults> {
        self.database.as_ref().ok_or_else(|| missing("database.url"))
    }

    /// The path of the partners' keys, for a command that finds out late that it needs them.
    ///
    /// # Errors
    /// If `keys_file` is missing.
    pub fn require_keys_file(&self) -> Result<&Path, Faults> {
        self.keys_file.as_deref().ok_or_else(|| missing("keys_file"))
    }
}

fn keys_file(reader: &mut Reader, needed: bool) -> Option<PathBuf> {
    let path = reader.text("keys_file").map(PathBuf::from);
    match &path {
        Some(path) if needed => {
            if let Err(error) = crate::keys::read(path) {
                reader.fault("keys_file", format!("{error} (value {path:?})"));
            }
        }
        None if needed => reader.fault("keys_file", sections::MISSING),
        _ => {}
    }
    path
}

fn missing(key: &str) -> Faults {
    Faults(vec![Fault::new(key, sections::MISSING)])
}

#[cfg(test)]
mod tests;
