use std::collections::BTreeMap;

use xiebao_core::id::{Digest, InsureNum, StepSet};
use xiebao_core::ledger::{Arrival, Link};
use xiebao_core::reason::Rejection;
use xiebao_core::sequencing::DeliveryOutcome;

use crate::sql::links::PendingLink;
use crate::sql::notices::NoticeRow;
use crate::sql::operations::NewOperation;

/// A held notice that a person lets go, and what is noted of it.
#[derive(Debug, Clone)]
pub struct Release {
    pub digest: Digest,
    pub deed: NewOperation,
}

/// What is to be done with one proposal. All of it settles what is due besides.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// Deliveries in order of arrival, each with the caller's mark for its verdict.
    pub arrivals: Vec<(usize, Arrival)>,
    /// Links in the outbox, to be told if they still lie there; they are gone from it afterwards.
    pub links: Vec<Link>,
    /// The same of withdrawn links.
    pub unlinks: Vec<Link>,
    /// Held notices that a person lets go.
    pub releases: Vec<Release>,
    /// Notices kept as ignored that are to be taken in, if they still are.
    pub ignored: Vec<Arrival>,
    /// Applied notices that a person takes out of the facts or puts back.
    pub marks: Vec<Mark>,
    /// The sweeper found it in `holds`: that row is written anew, whatever it says.
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
            marks,
            swept,
        } = self;
        let no_links = links.is_empty() && unlinks.is_empty();
        let by_hand = !releases.is_empty() || !marks.is_empty() || !ignored.is_empty();
        no_links && !by_hand && !swept
    }

    /// Its links and those that are withdrawn, as they lie in the outbox.
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

/// A person's word that a notice is not to count, or is to count again.
#[derive(Debug, Clone)]
pub struct Mark {
    pub digest: Digest,
    pub voided: bool,
    /// Noted if there was anything to change.
    pub deed: NewOperation,
}

/// What one transaction is to do. Proposals are locked in the map's order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub tasks: BTreeMap<InsureNum, Task>,
    /// Notices kept without being applied.
    pub ignored: Vec<NoticeRow>,
    /// Ignored notices that can't be read as what they are to be: dead letters, if they still are ignored.
    pub refused: Vec<(NoticeRow, Rejection)>,
}

impl Plan {
    /// A link that lies in the outbox is to be told.
    pub fn tell(&mut self, pending: &PendingLink) {
        let task = self.tasks.entry(pending.new_insure_num.clone()).or_default();
        let told = if pending.withdrawn {
            &mut task.unlinks
        } else {
            &mut task.links
        };
        told.push(pending.link.clone());
    }

    /// The deliveries may have been taken in before.
    pub fn mark_redelivered(&mut self) {
        let arrivals = self.tasks.values_mut().flat_map(|task| &mut task.arrivals);
        arrivals.for_each(|(_, arrival)| arrival.redelivered = true);
    }
}

/// What a committed transaction has done.
#[derive(Debug, Default)]
pub struct Outcome {
    pub verdicts: Vec<(usize, DeliveryOutcome)>,
    /// Reissue links that are to be told, in another transaction.
    pub links: Vec<PendingLink>,
    /// Held notices that went because what they waited for came.
    pub released: usize,
    /// Held notices that went although it did not: applied.
    pub timed_out: usize,
    /// Held notices that became dead letters because it did not.
    pub dead: usize,
    /// Held notices that a person let go.
    pub let_go: usize,
    /// Notices that a person took out of the facts or put back.
    pub marked: usize,
    /// Of each proposal that this concerns: the steps that came, and that a notice had waited for in vain.
    pub late: Vec<StepSet>,
    /// Proposals that were looked at.
    pub settled: usize,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
        self.links.extend(other.links);
        self.late.extend(other.late);
        self.released += other.released;
        self.timed_out += other.timed_out;
        self.dead += other.dead;
        self.let_go += other.let_go;
        self.marked += other.marked;
        self.settled += other.settled;
    }
}
