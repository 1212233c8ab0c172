use std::collections::BTreeMap;

use xiebao_core::id::{Digest, InsureNum, StepSet};
use xiebao_core::ledger::{Arrival, Link};
use xiebao_core::reason::Rejection;
use xiebao_core::sequencing::DeliveryOutcome;

use crate::sql::links::PendingLink;
use crate::sql::notices::NoticeRow;
use crate::sql::operations::NewOperation;

/// A held notice that a person releases, and the operation to record.
#[derive(Debug, Clone)]
pub struct Release {
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: Digest,
    /// The operation to record.
    pub operation: NewOperation,
}

/// The work on one proposal. Every task also settles due waits.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// Deliveries in order of arrival, each with the caller's correlation id for its outcome.
    pub arrivals: Vec<(usize, Arrival)>,
    /// Links to take from the outbox and apply, if they are still there.
    pub links: Vec<Link>,
    /// Withdrawn links, likewise.
    pub unlinks: Vec<Link>,
    /// Held notices that a person releases.
    pub releases: Vec<Release>,
    /// Ignored notices to take in, if they still are ignored.
    pub ignored: Vec<Arrival>,
    /// Applied notices that a person voids or restores.
    pub void_changes: Vec<VoidChange>,
    /// The sweeper found it in `holds`: that row is rewritten in any case.
    pub swept: bool,
}

impl Task {
    pub(super) fn only_arrivals(&self) -> bool {
        let Self {
            arrivals: _,
            links,
            unlinks,
            releases,
            ignored,
            void_changes,
            swept,
        } = self;
        let no_links = links.is_empty() && unlinks.is_empty();
        let by_hand = !releases.is_empty() || !void_changes.is_empty() || !ignored.is_empty();
        no_links && !by_hand && !swept
    }

    /// Its links and withdrawn links, as rows of the outbox.
    pub(super) fn pending_links(&self, num: &InsureNum) -> impl Iterator<Item = PendingLink> {
        let pending = |link: &Link, withdrawn| PendingLink {
            new_insure_num: num.clone(),
            link: link.clone(),
            withdrawn,
        };
        let stated = self.links.iter().map(move |link| pending(link, false));
        stated.chain(self.unlinks.iter().map(move |link| pending(link, true)))
    }
}

/// A person voids a notice, or restores it.
#[derive(Debug, Clone)]
pub struct VoidChange {
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: Digest,
    /// A person has taken it out of the facts.
    pub voided: bool,
    /// Recorded if the notice changed.
    pub operation: NewOperation,
}

/// The work of one transaction. Proposals are locked in the order of the map.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The work by proposal.
    pub tasks: BTreeMap<InsureNum, Task>,
    /// Notices to store as ignored.
    pub ignored: Vec<NoticeRow>,
    /// Ignored notices that cannot be read: they become dead letters, if they still are ignored.
    pub refused: Vec<(NoticeRow, Rejection)>,
}

impl Plan {
    /// Adds a link of the outbox.
    pub fn tell(&mut self, pending: &PendingLink) {
        let task = self.tasks.entry(pending.new_insure_num.clone()).or_default();
        let told = if pending.withdrawn {
            &mut task.unlinks
        } else {
            &mut task.links
        };
        told.push(pending.link.clone());
    }

    /// Marks all deliveries as possibly taken in before.
    pub fn mark_redelivered(&mut self) {
        let arrivals = self.tasks.values_mut().flat_map(|task| &mut task.arrivals);
        arrivals.for_each(|(_, arrival)| arrival.redelivered = true);
    }
}

/// The effects of a committed transaction.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The outcome of each delivery, with its correlation id.
    pub verdicts: Vec<(usize, DeliveryOutcome)>,
    /// Reissue links to deliver in another transaction.
    pub links: Vec<PendingLink>,
    /// Held notices released because the notice they waited for came.
    pub released: usize,
    /// Held notices applied at their timeout.
    pub timed_out: usize,
    /// Held notices that became dead letters at their timeout.
    pub dead: usize,
    /// Held notices released by a person.
    pub let_go: usize,
    /// Notices voided or restored by a person.
    pub void_changed: usize,
    /// For each proposal concerned, the steps that came after a notice had waited for them until its timeout.
    pub late: Vec<StepSet>,
}

impl Outcome {
    /// Adds the effects of another transaction.
    pub fn add(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
        self.links.extend(other.links);
        self.late.extend(other.late);
        self.released += other.released;
        self.timed_out += other.timed_out;
        self.dead += other.dead;
        self.let_go += other.let_go;
        self.void_changed += other.void_changed;
    }
}
