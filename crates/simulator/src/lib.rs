//! Plays the platform: tells life stories of proposals from a seed, posts them as the platform posts notices, and works out from the
//! stories alone the rows that the database must hold afterwards. It uses only the types of core, so that a wrong rule in core cannot
//! agree with itself.
//!
//! [`scenario`] and [`proposal_life`] tell stories, [`wire`] spells their notices, [`schedule`] disorders and repeats them, [`sender`] posts
//! them; [`expectation`] says which rows must exist, and [`compare`] compares them with the database.

pub mod compare;
pub mod database;
pub mod expectation;
pub mod http;
pub mod numbers;
pub mod platform;
mod progress;
pub mod proposal_life;
pub mod report;
pub mod rng;
pub mod rows;
pub mod run;
pub mod scenario;
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

/// Settings that shape the stories of a run. The same settings tell the same stories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The seed of all randomness.
    pub seed: u64,
    /// The partner whose notices they are.
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
