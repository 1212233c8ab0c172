//! The platform, played: life stories of proposals, told from a seed, posted as the platform posts notices; and the rows that
//! the database must hold afterwards, worked out from the stories alone. It uses none of core but its types, so that a wrong
//! rule in core cannot agree with itself.
//!
//! [`plot`] and [`life`] tell stories, [`wire`] spells their notices, [`schedule`] disorders and repeats them, [`sender`] posts
//! them; [`expectation`] says which rows must be there, and [`compare`] holds them against the database.

pub mod compare;
pub mod database;
pub mod draw;
pub mod expectation;
pub mod http;
pub mod life;
pub mod numbers;
pub mod platform;
pub mod plot;
mod progress;
pub mod report;
pub mod rows;
pub mod run;
pub mod schedule;
pub mod sender;
pub mod settle;
pub mod story;
pub mod tally;
pub mod value;
pub mod wire;
mod words;

#[cfg(test)]
mod tests;

use thiserror::Error;
use xiebao_core::id::PartnerId;

/// What shapes the stories of a run. The same settings tell the same stories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub seed: u64,
    pub partner_id: PartnerId,
    /// The share of steps that fail before they succeed, 0 to 1.
    pub failures: f64,
    /// The share of stories in which a predecessor is never reported, 0 to 1.
    pub missing_predecessors: f64,
}

/// Why a run could not be played or judged.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The database refuses a question: no such table, no right to read.
    #[error("{0}")]
    Refused(String),
    /// The receiver or the database does not answer.
    #[error("{0}")]
    Unreachable(String),
}
