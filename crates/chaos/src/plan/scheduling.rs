//! The start of each fault: at random distances, as many at once as allowed, and all within the run.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha12Rng;

use super::{Fault, ProcessCounts, Resource};

/// The most faults at once: some of the platform's attempts must get through.
pub(super) const AT_ONCE: usize = 3;
/// The load runs undisturbed for this long at first.
const LEAD: Duration = Duration::from_secs(2);
/// The time to the next look when nothing fits now.
const STEP: Duration = Duration::from_millis(250);
/// If the plan is too long, the gaps shrink by this factor, and after that the faults.
const SHRINK: f64 = 0.85;
const ATTEMPTS_BY_GAPS: usize = 20;

/// Gives every fault its start and its number.
pub(super) fn schedule(
    mut faults: Vec<Fault>,
    run: Duration,
    processes: ProcessCounts,
    rng: &mut ChaCha12Rng,
) -> Vec<Fault> {
    let mut gap = (run - LEAD).div_f64(faults.len() as f64);
    for attempt in 0.. {
        let scheduled = Attempt::new(run, processes, gap, rng).schedule(faults.clone());
        let end = scheduled.iter().map(|fault| fault.start + fault.occupies()).max();
        if end.is_none_or(|end| end <= run) {
            return numbered(scheduled);
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
    processes: ProcessCounts,
    gap: Duration,
    rng: &'r mut ChaCha12Rng,
    now: Duration,
    taken_until: BTreeMap<Resource, Duration>,
    scheduled: Vec<Fault>,
}

impl<'r> Attempt<'r> {
    fn new(run: Duration, processes: ProcessCounts, gap: Duration, rng: &'r mut ChaCha12Rng) -> Self {
        Self {
            run,
            processes,
            gap,
            rng,
            now: LEAD,
            taken_until: BTreeMap::new(),
            scheduled: Vec::new(),
        }
    }

    fn schedule(mut self, mut waiting: Vec<Fault>) -> Vec<Fault> {
        while !waiting.is_empty() {
            let Some(next) = self.next(&waiting) else {
                self.now += STEP;
                continue;
            };
            let mut fault = waiting.remove(next);
            fault.start = self.now;
            let until = self.now + fault.occupies();
            for resource in fault.resources(self.processes) {
                self.taken_until.insert(resource, until);
            }
            self.scheduled.push(fault);
            self.now += self.gap.mul_f64(self.rng.random_range(0.2..1.8));
        }
        self.scheduled
    }

    fn next(&self, waiting: &[Fault]) -> Option<usize> {
        let under_way = |fault: &&Fault| fault.start + fault.occupies() > self.now;
        if self.scheduled.iter().filter(under_way).count() >= AT_ONCE {
            return None;
        }
        let urgent = self.servers_are_urgent(waiting);
        let fits = |fault: &Fault| {
            fault
                .resources(self.processes)
                .iter()
                .all(|resource| self.is_free(*resource))
        };
        waiting
            .iter()
            .position(|fault| urgent && fault.is_at_a_server() && fits(fault))
            .or_else(|| waiting.iter().position(fits))
    }

    fn is_free(&self, resource: Resource) -> bool {
        self.taken_until
            .get(&resource)
            .is_none_or(|until| *until <= self.now)
    }

    /// Faults of the servers come one after the other and last the longest; left to the end they would not fit.
    fn servers_are_urgent(&self, waiting: &[Fault]) -> bool {
        let at_servers = waiting.iter().filter(|fault| fault.is_at_a_server());
        let needed: Duration = at_servers.map(Fault::occupies).sum();
        needed > self.run.saturating_sub(self.now).mul_f64(0.6)
    }
}

impl Fault {
    fn is_at_a_server(&self) -> bool {
        self.resources(ProcessCounts {
            receivers: 1,
            workers: 1,
        }) == [Resource::Servers]
    }
}
