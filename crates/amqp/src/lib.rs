//! The broker: connections, exchanges and queues, and publishing that is confirmed. It knows bytes, properties and routing
//! keys; it reads no notice, no configuration file and no metrics.
//!
//! - [`Broker`]: the nodes of one broker, with a pool of connections to each;
//! - [`Publisher`]: publishes within a hard bound, through connections that are kept open;
//! - [`ConfirmChannels`]: the channels of a connection, one publish in flight on each;
//! - the receiver's threads publish through `xiebao_wire` instead; `open_connection` chooses;
//! - [`topology`]: the exchanges and queues, declared and checked;
//! - [`Trouble`]: why nothing can be published.

mod broker;
mod confirm_channels;
mod connect;
mod connection_pool;
mod first_success;
mod open_connection;
mod pacing;
mod pinning;
mod pooled_connection;
mod publisher;
mod size_limit;
pub mod topology;
mod trouble;

pub use broker::{Broker, ConnectError, Connection, Settings};
pub use confirm_channels::{ConfirmChannels, Message, PublishError};
pub use connect::{connect, connect_behind, connect_past_lapin};
pub use pacing::Pacing;
pub use publisher::{Publisher, Unavailable};
pub use trouble::Trouble;
pub use xiebao_wire::ReadGate;
