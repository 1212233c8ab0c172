//! The receiver's writer: a connection to the broker whose publishes go past the client library, lapin.
//!
//! lapin does everything but publish: handshake, channels, topology, heartbeats, close. A task, the `relay`, stands
//! between lapin and the socket. It copies whole frames both ways, inserts the publishes, and takes out the broker's answers
//! to them. It exists because lapin can hand a returned message to the wrong publish and wakes a thread twice for each
//! publish: `docs/adr/0041` gives the reasons and the figures.
//!
//! # One publish, file by file
//!
//! 1. `connection`: [`WiredConnection::connect`] opens the socket, starts the relay on it and gives lapin the other end of
//!    an in-memory pipe.
//! 2. `channel`: [`ConfirmChannel::open`] lets lapin open a channel in confirm mode and gives it to the relay.
//!    [`ConfirmChannel::publish`] chooses a correlation id.
//! 3. `properties` and `encode` turn the message into the bytes of its frames, in the task of the caller.
//! 4. `wire` sends these bytes to the relay as a command, with a oneshot channel for the outcome.
//! 5. `relay` numbers the publish as the broker does, and writes all waiting publishes at once through a `buffer`.
//! 6. `frame` splits the broker's answers into frames. `unconfirmed` finds the publish that a confirm or a returned
//!    message belongs to, and sends the outcome to the caller. All other frames go to lapin.
//!
//! A frame that cannot be understood ends the connection (`Handled::Violation`): a wrong guess would report a lost message as
//! stored. Whatever ends the relay, every waiting publish gets an error (`relay/ending.rs`).
//!
//! `transport` gives lapin TCP streams with a read timeout; a `gate` keeps one from reading ahead of its consumer. `close_reason` reads why the broker closes a channel or a
//! connection.

mod buffer;
mod channel;
mod close_reason;
mod connection;
mod encode;
mod frame;
mod gate;
mod properties;
mod relay;
mod transport;
mod unconfirmed;
mod wire;

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;

pub use channel::{ConfirmChannel, PublishError, check};
pub use connection::WiredConnection;
pub use gate::ReadGate;
pub use transport::WatchedTcp;
pub use unconfirmed::Returned;
pub use wire::Wire;

/// The result of one publish.
pub(crate) type Outcome = Result<(), PublishError>;
