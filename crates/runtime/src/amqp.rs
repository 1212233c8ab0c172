//! The broker: connections, the topology, and publishing that is confirmed.

mod confirm;
mod connect;
mod finishing;
mod hand_back;
mod link;
mod message;
mod nodes;
mod open_link;
mod pacing;
mod publisher;
mod routes;
pub mod topology;
mod transport;
mod trouble;

pub use confirm::{ConfirmChannel, PublishError};
pub use connect::{ConnectError, connect};
pub use pacing::Pacing;
pub use publisher::{Publisher, Unavailable, Unfinished};
pub use trouble::Trouble;
