//! What can be done to what.

use std::fmt;

use serde::Serialize;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// SIGKILL, and started again.
    Kill,
    /// SIGSTOP, and SIGCONT.
    Stop,
    /// Every byte comes late.
    Delay,
    /// Nothing moves, and nothing is closed.
    Stall,
    /// RST to both ends of every connection, old and new.
    Reset,
    /// FIN in one direction of every connection.
    HalfClose,
}

/// Processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Receiver,
    Worker,
    Broker,
    Database,
}

/// Between whom connections go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    ReceiverBroker,
    WorkerBroker,
    WorkerDatabase,
}

/// What is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Place {
    Process(Role),
    Link(Link),
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kind {
    pub action: Action,
    #[serde(rename = "target")]
    pub place: Place,
}

impl Role {
    const ALL: [Self; 4] = [Self::Receiver, Self::Worker, Self::Broker, Self::Database];

    /// One of the two that there are only one of.
    pub fn is_server(self) -> bool {
        matches!(self, Self::Broker | Self::Database)
    }
}

impl Link {
    pub const ALL: [Self; 3] = [Self::ReceiverBroker, Self::WorkerBroker, Self::WorkerDatabase];

    /// Whose connections these are.
    pub fn owner(self) -> Role {
        match self {
            Self::ReceiverBroker => Role::Receiver,
            Self::WorkerBroker | Self::WorkerDatabase => Role::Worker,
        }
    }
}

impl Kind {
    /// Every kind that there is.
    pub fn all() -> Vec<Self> {
        let on_processes = [Action::Kill, Action::Stop]
            .into_iter()
            .flat_map(|action| Role::ALL.map(|role| (action, Place::Process(role))));
        let on_links = [Action::Delay, Action::Stall, Action::Reset, Action::HalfClose]
            .into_iter()
            .flat_map(|action| Link::ALL.map(|link| (action, Place::Link(link))));
        on_processes
            .chain(on_links)
            .map(|(action, place)| Self { action, place })
            .collect()
    }

    pub fn is_at_the_broker(self) -> bool {
        self.place == Place::Process(Role::Broker)
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Process(Role::Receiver) => "receiver",
            Self::Process(Role::Worker) => "worker",
            Self::Process(Role::Broker) => "broker",
            Self::Process(Role::Database) => "database",
            Self::Link(Link::ReceiverBroker) => "receiver-broker",
            Self::Link(Link::WorkerBroker) => "worker-broker",
            Self::Link(Link::WorkerDatabase) => "worker-database",
        })
    }
}
