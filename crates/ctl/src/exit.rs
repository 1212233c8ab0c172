//! How a command ends.

use std::process::ExitCode;

use thiserror::Error;
use xiebao_runtime::config::Faults;
use xiebao_simulator::SimulationError;

/// The command did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// The answer is no: nothing found, a check failed.
    No,
}

impl Exit {
    /// `found`: there was what was looked for, or meant.
    pub fn of_found(found: bool) -> Self {
        if found { Self::Done } else { Self::No }
    }
}

/// The command could not do what it was asked.
#[derive(Debug, Error)]
pub enum Failure {
    /// The arguments, or what they name, make no sense.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Configuration(#[from] Faults),
    /// The database refuses what is asked of it: no such table, no right to read.
    #[error("{0}")]
    Refused(String),
    /// The broker, the database or the receiver.
    #[error("{0}")]
    Unreachable(String),
}

impl From<SimulationError> for Failure {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Refused(why) => Failure::Refused(why),
            SimulationError::Unreachable(why) => Failure::Unreachable(why),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => ExitCode::SUCCESS,
            Exit::No => ExitCode::from(1),
        }
    }
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_) | Failure::Configuration(_) | Failure::Refused(_) => 2,
            Failure::Unreachable(_) => 3,
        })
    }
}
