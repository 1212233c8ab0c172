//! The worker: de-duplicates, orders and applies notices. See `docs/architecture.md`.

mod schema;
pub mod store;
pub mod transaction;
