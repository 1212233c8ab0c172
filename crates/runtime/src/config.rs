//! The configuration: built-in defaults, under a TOML file, under the environment (`XIEBAO__SECTION__KEY`).
//!
//! Every fault is found in one pass and named by its key; no secret is ever shown.

mod environment;
mod faults;
mod layers;
mod nearest;
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
pub(crate) use layers::place;
pub use otlp::{Endpoint, OtlpConfig};
pub use secret::{Secret, without_password};
pub use sections::{AmqpConfig, DatabaseConfig, LogConfig, LogFormat, ReceiverConfig, WorkerConfig};

use reader::Reader;
pub(crate) use values::log_level;

/// All settings, sound.
#[derive(Debug, Clone)]
pub struct Config {
    /// There whenever `amqp.url` is; see [`Needs`].
    pub amqp: Option<AmqpConfig>,
    /// There whenever `database.url` is; see [`Needs`].
    pub database: Option<DatabaseConfig>,
    pub receiver: ReceiverConfig,
    pub worker: WorkerConfig,
    /// Where the partners' keys are, see [`crate::keys`].
    pub keys_file: Option<PathBuf>,
    /// `subscribed` and `sequencing.*`.
    pub rules: Rules,
    pub log: LogConfig,
    /// `otlp.*`; there whenever `otlp.endpoint` is.
    pub otlp: Option<OtlpConfig>,
}

/// What a program cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    pub amqp: bool,
    pub database: bool,
    /// Also reads the keys file, and reports its faults with the others.
    pub keys: bool,
}

impl Needs {
    pub const NOTHING: Self = Self {
        amqp: false,
        database: false,
        keys: false,
    };
    pub const RECEIVER: Self = Self {
        amqp: true,
        database: false,
        keys: true,
    };
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
    /// Every fault there is; of a file that is no TOML, only that.
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

    /// The broker's settings, for a command that turns out to need them.
    pub fn require_amqp(&self) -> Result<&AmqpConfig, Faults> {
        self.amqp.as_ref().ok_or_else(|| missing("amqp.url"))
    }

    /// The database's settings, for a command that turns out to need them.
    pub fn require_database(&self) -> Result<&DatabaseConfig, Faults> {
        self.database.as_ref().ok_or_else(|| missing("database.url"))
    }

    /// The path of the partners' keys, for a command that turns out to need them.
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
