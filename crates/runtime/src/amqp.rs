//! The broker: connections, the topology, and publishing that is confirmed.

mod confirm;
mod connect;
mod finishing;
mod hand_back;
mod link;
mod message;
mod pacing;
mod publisher;
mod routes;
pub mod topology;

pub use confirm::{ConfirmChannel, PublishError};
pub use connect::{ConnectError, Pool, connect, pool};
pub use pacing::Pacing;
pub use publisher::{Publisher, Unavailable};
