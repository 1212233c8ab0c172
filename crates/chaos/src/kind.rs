//! The kinds of faults: an action on a target.

use std::fmt;

use serde::Serialize;

/// The action on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// SIGKILL, then a restart.
    Kill,
    /// SIGSTOP, then SIGCONT.
    Stop,
    /// Every byte is delayed.
    Delay,
    /// No byte moves, and no connection is closed.
    Stall,
    /// RST to both ends of every connection, old and new.
    Reset,
    /// FIN in one direction of every connection.
    HalfClose,
}

/// The role of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Receiver,
    Worker,
    Broker,
    Database,
}

/// The network connections between two roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    ReceiverBroker,
    WorkerBroker,
    WorkerDatabase,
}

/// The target of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum FaultTarget {
    Process(Role),
    Connection(Connection),
}

/// An action together with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FaultKind {
    pub action: Action,

    pub target: FaultTarget,
}

impl Role {
    const ALL: [Self; 4] = [Self::Receiver, Self::Worker, Self::Broker, Self::Database];

    /// True for broker and database, which have one process each.
    pub fn is_server(self) -> bool {
        matches!(self, Self::Broker | Self::Database)
    }
}

impl Connection {
    pub const ALL: [Self; 3] = [Self::ReceiverBroker, Self::WorkerBroker, Self::WorkerDatabase];

    /// The role that opens these connections.
    pub fn owner(self) -> Role {
        match self {
            Self::ReceiverBroker => Role::Receiver,
            Self::WorkerBroker | Self::WorkerDatabase => Role::Worker,
        }
    }
}

impl FaultKind {
    /// Every kind of fault.
    pub fn all() -> Vec<Self> {
        let on_processes = [Action::Kill, Action::Stop]
            .into_iter()
            .flat_map(|action| Role::ALL.map(|role| (action, FaultTarget::Process(role))));
        let on_connections = [Action::Delay, Action::Stall, Action::Reset, Action::HalfClose]
            .into_iter()
            .flat_map(|action| {
                Connection::ALL.map(|connection| (action, FaultTarget::Connection(connection)))
            });
        on_processes
            .chain(on_connections)
            .map(|(action, target)| Self { action, target })
            .collect()
    }

    pub fn is_at_the_broker(self) -> bool {
        self.target == FaultTarget::Process(Role::Broker)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Delay => "delay",
            Self::Stall => "stall",
            Self::Reset => "reset",
            Self::HalfClose => "half-close",
        })
    }
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Process(Role::Receiver) => "receiver",
            Self::Process(Role::Worker) => "worker",
            Self::Process(Role::Broker) => "broker",
            Self::Process(Role::Database) => "database",
            Self::Connection(Connection::ReceiverBroker) => "receiver-broker",
            Self::Connection(Connection::WorkerBroker) => "worker-broker",
            Self::Connection(Connection::WorkerDatabase) => "worker-database",
        })
    }
}
