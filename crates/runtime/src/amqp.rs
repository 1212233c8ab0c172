//! The broker: connections, the topology, and publishing that is confirmed.

mod confirm;
mod connect;
mod hand_back;
mod home;
mod link;
mod message;
mod nodes;
mod open_link;
mod pacing;
mod publisher;
mod refused;
mod routes;
pub mod topology;
mod transport;
mod trouble;
mod wire;

pub use confirm::{ConfirmChannel, PublishError};
pub use connect::{ConnectError, connect, connect_wired};
pub use pacing::Pacing;
pub use publisher::{Publisher, Unavailable};
pub use trouble::Trouble;
pub use wire::{Returned, Wired};
