//! The faults and their times, as a function of the seed, the length of the run and the number of processes.

use std::fmt;
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::kind::{Action, Connection, FaultKind, FaultTarget, Role};

mod scheduling;
#[cfg(test)]
mod tests;

/// The number of processes of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCounts {
    pub receivers: usize,
    pub workers: usize,
}

/// A planned fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// 1, 2, 3 … in the order of the starts.
    pub number: usize,
    pub kind: FaultKind,
    /// The index of the receiver or worker that is hit, from 0; `None` for all of them, or for a server.
    pub which: Option<usize>,
    pub detail: Detail,
    /// From the first request.
    pub start: Duration,
    pub lasts: Duration,
}

/// The further properties of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Nothing,
    /// The delay of every byte.
    Late(Duration),
    /// After the stall, its connections stay stalled for ever, and no end receives FIN or RST.
    Stranded,
    /// FIN from the client to the server.
    ToServer,
    /// FIN from the server to the client.
    ToClient,
}

/// A part of the system that at most one fault hits at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Broker and database together: `scripts/services up` restarts one of them, and would touch the other if it were
    /// stopped.
    Servers,
    Process(Role, usize),
    Connection(Connection, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub seed: u64,
    /// After this time all faults are over, and every killed process should be back.
    pub run: Duration,
    pub faults: Vec<Fault>,
}

impl Plan {
    /// Draws a plan. `run` is at least a minute, or not every kind of fault fits.
    pub fn draw(seed: u64, run: Duration, processes: ProcessCounts) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let mut faults = Vec::new();
        for kind in FaultKind::all() {
            for _ in 0..least(kind, run) {
                faults.push(Fault::draw(kind, run, processes, &mut rng));
            }
        }
        faults.shuffle(&mut rng);
        let faults = scheduling::schedule(faults, run, processes, &mut rng);
        Self { seed, run, faults }
    }
}

/// The least number of faults of a kind: five in ten minutes, ten for those at the broker.
pub fn least(kind: FaultKind, run: Duration) -> usize {
    let in_ten_minutes = if kind.is_at_the_broker() { 10.0 } else { 5.0 };
    let count = (in_ten_minutes * run.as_secs_f64() / 600.0).ceil();
    (count as usize).max(1)
}

impl Fault {
    fn draw(kind: FaultKind, run: Duration, processes: ProcessCounts, rng: &mut ChaCha12Rng) -> Self {
        let (shortest, longest) = bounds(kind.action);
        // Short runs have short faults, so that every kind fits.
        let share = (run.as_secs_f64() / 180.0).min(1.0);
        let lasts = rng.random_range(shortest..shortest + (longest - shortest) * share);
        let which = match kind.target {
            FaultTarget::Process(role) if role.is_server() => None,
            FaultTarget::Process(role) => Some(rng.random_range(0..processes.of(role))),
            FaultTarget::Connection(connection) => rng
                .random_bool(0.5)
                .then(|| rng.random_range(0..processes.of(connection.owner()))),
        };
        Self {
            number: 0,
            kind,
            which,
            detail: Detail::draw(kind.action, rng),
            start: Duration::ZERO,
            lasts: millis(lasts),
        }
    }

    pub fn resources(&self, processes: ProcessCounts) -> Vec<Resource> {
        let of = |role: Role| match self.which {
            Some(which) => which..which + 1,
            None => 0..processes.of(role),
        };
        match self.kind.target {
            FaultTarget::Process(role) if role.is_server() => vec![Resource::Servers],
            FaultTarget::Process(role) => of(role).map(|which| Resource::Process(role, which)).collect(),
            FaultTarget::Connection(connection) => of(connection.owner())
                .map(|which| Resource::Connection(connection, which))
                .collect(),
        }
    }

    /// How long the fault holds its resources: until the killed process is up again, by a cautious guess.
    pub fn occupies(&self) -> Duration {
        let comes_up = match (self.kind.action, self.kind.target) {
            (Action::Kill, FaultTarget::Process(Role::Broker)) => 14.0,
            (Action::Kill, FaultTarget::Process(Role::Database)) => 4.0,
            (Action::Kill, _) => 1.5,
            _ => 0.3,
        };
        self.lasts + Duration::from_secs_f64(comes_up)
    }
}

/// The shortest and the longest duration, in seconds.
fn bounds(action: Action) -> (f64, f64) {
    match action {
        Action::Kill => (0.2, 3.0),
        Action::Stop => (1.0, 15.0),
        Action::Delay => (2.0, 15.0),
        // The longest stalls outlast two heartbeats.
        Action::Stall => (1.0, 25.0),
        Action::Reset => (0.2, 4.0),
        Action::HalfClose => (0.5, 3.0),
    }
}

fn millis(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1e3) as u64)
}

impl Detail {
    fn draw(action: Action, rng: &mut ChaCha12Rng) -> Self {
        match action {
            Action::Delay => Self::Late(millis(rng.random_range(0.02..1.0))),
            Action::Stall if rng.random_bool(0.3) => Self::Stranded,
            Action::HalfClose if rng.random_bool(0.5) => Self::ToServer,
            Action::HalfClose => Self::ToClient,
            _ => Self::Nothing,
        }
    }
}

impl ProcessCounts {
    pub fn of(self, role: Role) -> usize {
        match role {
            Role::Receiver => self.receivers,
            Role::Worker => self.workers,
            Role::Broker | Role::Database => 1,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match (self.which, self.kind.target) {
            (Some(which), _) => format!("{} {}", self.kind.target, which + 1),
            (None, FaultTarget::Connection(_)) => format!("{}, all", self.kind.target),
            (None, FaultTarget::Process(_)) => self.kind.target.to_string(),
        };
        write!(f, "#{:<4} {:<10} {which:<22}", self.number, self.kind.action)?;
        f.pad(&self.detail.to_string())
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Late(by) => write!(f, "by {} ms", by.as_millis()),
            Self::Stranded => f.write_str("stalled for ever"),
            Self::ToServer => f.write_str("towards the server"),
            Self::ToClient => f.write_str("towards the client"),
        }
    }
}
