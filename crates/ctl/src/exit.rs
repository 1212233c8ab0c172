//! How a command ends.

use std::process::ExitCode;

use thiserror::Error;
use xiebao_runtime::config::Faults;
use xiebao_simulator::SimulationError;

/// The command did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The answer is yes.
    Done,
    /// The answer is no: nothing was found, or a check failed.
    No,
}

impl Exit {
    /// [`Done`](Self::Done) if it was found, or if all is well.
    pub fn of_found(found: bool) -> Self {
        if found { Self::Done } else { Self::No }
    }
}

/// The command could not do its work.
#[derive(Debug, Error)]
pub enum Failure {
    /// The arguments, or the things that they name, make no sense.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Configuration(#[from] Faults),
    /// The database refuses a statement: no such table, no right to read.
    #[error("{0}")]
    Refused(String),
    /// The broker, the database or the receiver does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The answer cannot be written.
    #[error("{0}")]
    Unwritable(String),
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
    /// The exit code of the program.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Usage(_) | Failure::Configuration(_) | Failure::Refused(_) => 2,
            Failure::Unreachable(_) | Failure::Unwritable(_) => 3,
        })
    }
}
