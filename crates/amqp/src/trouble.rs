//! Why nothing can be published: the one place that tells faults that pass by themselves from faults that a person must mend.

use std::fmt;
use std::io;

use lapin::ErrorKind;
use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};

use crate::broker::ConnectError;
use crate::confirm_channels::PublishError;
use crate::size_limit;
use crate::topology::TopologyError;

/// The obstacle between a message and its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Not reached, cut off, silent, restarting, electing a leader: passes by itself.
    Away(String),
    /// Short of memory or disk. The broker takes messages again when that is over.
    Blocked,
    /// The queue is at its limit (passes when workers catch up), or could not store the message: while it elects a leader
    /// a broker of 3.10 says the same.
    Full,
    /// No queue is bound; what is missing is being declared again.
    Unroutable(String),
    /// The broker will never take this message: its size or its properties exceed a limit.
    Unsendable(String),
    /// Wrong password, a vhost that is not there, a missing right, a topology that differs: a person must mend it.
    Refused(String),
}

impl Trouble {
    /// Returns `true` if waiting does not help.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) | Self::Unroutable(why) | Self::Unsendable(why) => f.write_str(why),
            Self::Blocked => f.write_str("the broker is short of memory or disk and takes no messages"),
            Self::Full => f.write_str("the queue takes no messages: it is full, or has no leader"),
            Self::Refused(why) => write!(f, "somebody must mend this: {why}"),
        }
    }
}

impl From<&PublishError> for Trouble {
    fn from(error: &PublishError) -> Self {
        match error {
            PublishError::Nacked => Self::Full,
            PublishError::Unroutable { .. } => Self::Unroutable(error.to_string()),
            PublishError::Invalid(_) => Self::Unsendable(error.to_string()),
            // It concerns one message and ends the channel of many.
            PublishError::Broker(source) if size_limit::stated_by(source).is_some() => {
                Self::Away(error.to_string())
            }
            PublishError::Broker(source) => Self::new(is_refusal(source), error.to_string()),
        }
    }
}

impl From<&ConnectError> for Trouble {
    fn from(error: &ConnectError) -> Self {
        Self::new(error.is_permanent(), error.to_string())
    }
}

impl Trouble {
    fn new(permanent: bool, why: String) -> Self {
        match permanent {
            true => Self::Refused(why),
            false => Self::Away(why),
        }
    }
}

impl ConnectError {
    /// Returns `true` if a person must mend the fault. With several addresses, one such fault is enough.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Address(_) => true,
            Self::Broker(error) => is_refusal(error) || is_no_broker(error),
            Self::Topology(TopologyError::Drift { .. }) => true,
            Self::Topology(TopologyError::Broker { source, .. }) => is_refusal(source),
            Self::Every(errors) => errors.iter().any(|(_, error)| error.is_permanent()),
            Self::Timeout(_) => false,
        }
    }
}

/// A faulty certificate, or a peer that speaks another protocol.
fn is_no_broker(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData)
}

/// Returns `true` if the broker refuses, and would refuse again.
fn is_refusal(error: &lapin::Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(complaint) => is_refusing(complaint),
        ErrorKind::AuthProviderError(_)
        | ErrorKind::InvalidProtocolVersion(_)
        | ErrorKind::ParsingError(_)
        | ErrorKind::ChannelsLimitReached => true,
        _ => false,
    }
}

/// A node that starts or stops says `CONNECTION_FORCED` or `INTERNAL_ERROR`, which pass; so does a lost exchange
/// (`NOT_FOUND`), which is declared again. <https://www.rabbitmq.com/amqp-0-9-1-reference#constants>
fn is_refusing(complaint: &AMQPError) -> bool {
    match complaint.kind() {
        AMQPErrorKind::Soft(kind) => matches!(
            kind,
            AMQPSoftError::ACCESSREFUSED | AMQPSoftError::PRECONDITIONFAILED
        ),
        AMQPErrorKind::Hard(kind) => {
            matches!(kind, AMQPHardError::NOTALLOWED | AMQPHardError::NOTIMPLEMENTED)
        }
    }
}
