//! The receiver over real HTTP, with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

mod bodies;
mod broken_broker;
mod http;
mod keys;
mod load;
mod outage;
mod process;
mod running;
mod shutdown;
mod sources;
mod topology;
mod vectors;
