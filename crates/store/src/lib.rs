//! The database: its schema, every SQL statement, the transaction that decides about proposals, and the maintenance built on it.
//! Diesel is used here, and by the simulator, which asks with SQL of its own on purpose; no other crate of the programs uses it.
//!
//! - [`Store`]: pooled connections, each use of one bounded in time;
//! - [`settings`]: the variables of the server that promises rest on;
//! - [`sql`]: the statements; `schema`: the tables; [`sql::migrations`]: the migrations;
//! - [`transaction`]: lock, load, decide, write, commit; [`linking`] carries reissue links to their new proposals;
//! - [`rebuild`], [`prune`], [`reprocess`]: maintenance;
//! - [`decisions`]: dead letters requeued or discarded;
//! - [`probe`]: finds out if the database accepts a whole life of a proposal.

mod connection;
pub mod decisions;
mod error;
pub mod linking;
mod pool;
pub mod probe;
pub mod prune;
mod races;
pub mod rebuild;
pub mod reprocess;
mod schema;
pub mod settings;
pub mod sql;
pub mod transaction;

pub use connection::Connection;
pub use error::{Cause, ServerError, StoreError};
pub use pool::{Connections, PooledConnection, Store, connect, connect_unchecked};
pub use races::Races;
pub use settings::WrongSetting;
pub use sql::bulk::ROWS_PER_STATEMENT;
pub(crate) use sql::incoming;
