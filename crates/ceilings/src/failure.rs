//! The reasons why there is no figure.

use std::process::ExitCode;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum Failure {
    /// Messages or rows were lost or refused, so the rate means nothing. Exit code 1.
    #[error("{0}")]
    Broken(String),
    /// The arguments, or the files and databases they name, make no sense. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The broker or the database can't be reached. Exit code 3.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Broken(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        })
    }
}

impl From<lapin::Error> for Failure {
    fn from(error: lapin::Error) -> Self {
        Self::Unreachable(format!("the broker: {error}"))
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(complaint) => {
                Self::Broken(format!("the database refuses: {complaint}"))
            }
            mysql_async::Error::Url(error) => {
                Self::Usage(format!("the database's address can't be used: {error}"))
            }
            other => Self::Unreachable(format!("the database: {other}")),
        }
    }
}
