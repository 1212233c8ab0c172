//! The stories. Their rows are written by hand from the contract, never computed.

pub mod cancellations;
pub mod lives;
pub mod payments;
pub mod reissues;
