//! Which faults come when: a function of the seed, the length of the run and the number of processes.

use std::fmt;
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::kind::{Action, Kind, Link, Place, Role};

mod placing;
#[cfg(test)]
mod tests;

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crew {
    pub receivers: usize,
    pub workers: usize,
}

/// One fault, as it is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// 1, 2, 3 … in the order of the starts.
    pub number: usize,
    pub kind: Kind,
    /// Which receiver or worker it hits, from 0 on; `None`: all of them, or the only one.
    pub which: Option<usize>,
    pub detail: Detail,
    /// From the first request on.
    pub start: Duration,
    pub lasts: Duration,
}

/// What else there is to know of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Nothing,
    /// So late is every byte.
    Late(Duration),
    /// The connections of a stall never move again: nobody hears the end of them.
    Stranded,
    /// The server no longer hears the client.
    ServerHearsNothing,
    /// The client no longer hears the server.
    ClientHearsNothing,
}

/// What no two faults hit at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Broker and database: the script that starts one of them would meddle with the other if it were stopped.
    Servers,
    Process(Role, usize),
    Wire(Link, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub seed: u64,
    /// All that is planned is over, and what was killed should be back, after this.
    pub run: Duration,
    pub faults: Vec<Fault>,
}

impl Plan {
    /// `run`: at least a minute, or there is no room for every kind.
    pub fn draw(seed: u64, run: Duration, crew: Crew) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let mut faults = Vec::new();
        for kind in Kind::all() {
            for _ in 0..least(kind, run) {
                faults.push(Fault::draw(kind, run, crew, &mut rng));
            }
        }
        faults.shuffle(&mut rng);
        let faults = placing::place(faults, run, crew, &mut rng);
        Self { seed, run, faults }
    }
}

/// In ten minutes at least five of every kind, and ten of those at the broker.
pub fn least(kind: Kind, run: Duration) -> usize {
    let in_ten_minutes = if kind.is_at_the_broker() { 10.0 } else { 5.0 };
    let count = (in_ten_minutes * run.as_secs_f64() / 600.0).ceil();
    (count as usize).max(1)
}

impl Fault {
    fn draw(kind: Kind, run: Duration, crew: Crew, rng: &mut ChaCha12Rng) -> Self {
        let (shortest, longest) = bounds(kind.action);
        // Short runs have short faults, so that every kind finds room.
        let share = (run.as_secs_f64() / 180.0).min(1.0);
        let lasts = rng.random_range(shortest..shortest + (longest - shortest) * share);
        let which = match kind.place {
            Place::Process(role) if role.is_server() => None,
            Place::Process(role) => Some(rng.random_range(0..crew.of(role))),
            Place::Link(link) => rng
                .random_bool(0.5)
                .then(|| rng.random_range(0..crew.of(link.owner()))),
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

    pub fn lanes(&self, crew: Crew) -> Vec<Lane> {
        let of = |role: Role| match self.which {
            Some(which) => which..which + 1,
            None => 0..crew.of(role),
        };
        match self.kind.place {
            Place::Process(role) if role.is_server() => vec![Lane::Servers],
            Place::Process(role) => of(role).map(|which| Lane::Process(role, which)).collect(),
            Place::Link(link) => of(link.owner()).map(|which| Lane::Wire(link, which)).collect(),
        }
    }

    /// How long its lanes are taken: until what was killed has come up again, by a cautious guess.
    pub fn occupies(&self) -> Duration {
        let comes_up = match (self.kind.action, self.kind.place) {
            (Action::Kill, Place::Process(Role::Broker)) => 14.0,
            (Action::Kill, Place::Process(Role::Database)) => 4.0,
            (Action::Kill, _) => 1.5,
            _ => 0.3,
        };
        self.lasts + Duration::from_secs_f64(comes_up)
    }
}

/// Seconds.
fn bounds(action: Action) -> (f64, f64) {
    match action {
        Action::Kill => (0.2, 3.0),
        Action::Stop => (1.0, 15.0),
        Action::Delay => (2.0, 15.0),
        // Longer than two heartbeats, sometimes.
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
            Action::HalfClose if rng.random_bool(0.5) => Self::ServerHearsNothing,
            Action::HalfClose => Self::ClientHearsNothing,
            _ => Self::Nothing,
        }
    }
}

impl Crew {
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
        let which = match (self.which, self.kind.place) {
            (Some(which), _) => format!("{} {}", self.kind.place, which + 1),
            (None, Place::Link(_)) => format!("{}, all", self.kind.place),
            (None, Place::Process(_)) => self.kind.place.to_string(),
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
            Self::Stranded => f.write_str("never to move again"),
            Self::ServerHearsNothing => f.write_str("the server hears no more"),
            Self::ClientHearsNothing => f.write_str("the client hears no more"),
        }
    }
}
