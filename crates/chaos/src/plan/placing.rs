//! When each fault starts: at random distances, as many side by side as may be, and all within the run.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha12Rng;

use super::{Crew, Fault, Lane};

/// Faults at once, at most: the platform's resends must get through now and then.
pub(super) const AT_ONCE: usize = 3;
/// The load runs undisturbed for this long at first.
const LEAD: Duration = Duration::from_secs(2);
/// When there is no room now, look again after this.
const STEP: Duration = Duration::from_millis(250);
/// A plan that is too long is made again with gaps, and in the end with faults, shorter by this.
const SHRINK: f64 = 0.85;
const ATTEMPTS_BY_GAPS: usize = 20;

/// Gives every fault its start and its number.
pub(super) fn place(mut faults: Vec<Fault>, run: Duration, crew: Crew, rng: &mut ChaCha12Rng) -> Vec<Fault> {
    let mut gap = (run - LEAD).div_f64(faults.len() as f64);
    for attempt in 0.. {
        let placed = Attempt::new(run, crew, gap, rng).place(faults.clone());
        let end = placed.iter().map(|fault| fault.start + fault.occupies()).max();
        if end.is_none_or(|end| end <= run) {
            return numbered(placed);
        }
        if attempt < ATTEMPTS_BY_GAPS {
            gap = gap.mul_f64(SHRINK);
        } else {
            faults
                .iter_mut()
                .for_each(|fault| fault.lasts = fault.lasts.mul_f64(SHRINK));
        }
    }
    unreachable!("faults that last no time at all fit into any run of a minute")
}

fn numbered(mut faults: Vec<Fault>) -> Vec<Fault> {
    for (fault, number) in faults.iter_mut().zip(1..) {
        fault.number = number;
    }
    faults
}

struct Attempt<'r> {
    run: Duration,
    crew: Crew,
    gap: Duration,
    rng: &'r mut ChaCha12Rng,
    now: Duration,
    taken_until: BTreeMap<Lane, Duration>,
    placed: Vec<Fault>,
}

impl<'r> Attempt<'r> {
    fn new(run: Duration, crew: Crew, gap: Duration, rng: &'r mut ChaCha12Rng) -> Self {
        Self {
            run,
            crew,
            gap,
            rng,
            now: LEAD,
            taken_until: BTreeMap::new(),
            placed: Vec::new(),
        }
    }

    fn place(mut self, mut waiting: Vec<Fault>) -> Vec<Fault> {
        while !waiting.is_empty() {
            let Some(next) = self.next(&waiting) else {
                self.now += STEP;
                continue;
            };
            let mut fault = waiting.remove(next);
            fault.start = self.now;
            let until = self.now + fault.occupies();
            for lane in fault.lanes(self.crew) {
                self.taken_until.insert(lane, until);
            }
            self.placed.push(fault);
            self.now += self.gap.mul_f64(self.rng.random_range(0.2..1.8));
        }
        self.placed
    }

    fn next(&self, waiting: &[Fault]) -> Option<usize> {
        let under_way = |fault: &&Fault| fault.start + fault.occupies() > self.now;
        if self.placed.iter().filter(under_way).count() >= AT_ONCE {
            return None;
        }
        let urgent = self.servers_are_urgent(waiting);
        let fits = |fault: &Fault| fault.lanes(self.crew).iter().all(|lane| self.is_free(*lane));
        waiting
            .iter()
            .position(|fault| urgent && fault.is_at_a_server() && fits(fault))
            .or_else(|| waiting.iter().position(fits))
    }

    fn is_free(&self, lane: Lane) -> bool {
        self.taken_until.get(&lane).is_none_or(|until| *until <= self.now)
    }

    /// Their faults come one after the other and take the longest: left to the end they would not fit.
    fn servers_are_urgent(&self, waiting: &[Fault]) -> bool {
        let at_servers = waiting.iter().filter(|fault| fault.is_at_a_server());
        let needed: Duration = at_servers.map(Fault::occupies).sum();
        needed > self.run.saturating_sub(self.now).mul_f64(0.6)
    }
}

impl Fault {
    fn is_at_a_server(&self) -> bool {
        self.lanes(Crew {
            receivers: 1,
            workers: 1,
        }) == [Lane::Servers]
    }
}
