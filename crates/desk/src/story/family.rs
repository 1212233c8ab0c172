//! Proposals that replace each other by reissues, through any number of generations, even in a circle.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_core::rows::Rows;

/// How many members are followed; the platform has no reason to reissue so often.
const MOST: usize = 30;

/// The proposals connected by reissues.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Family {
    /// One per reissue.
    pub links: Vec<Reissue>,
    /// Some replace each other in a circle, which only an error of the platform can cause.
    pub goes_round: bool,
    /// There are more members than were followed.
    pub cut: bool,
    /// Proposals of other partners that claim to be replaced by this one. They are not believed.
    pub not_believed: Vec<InsureNum>,
}

/// One proposal replaced by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reissue {
    /// The replaced proposal.
    pub from: Member,
    /// Its successor.
    pub to: Member,
}

/// A proposal of the family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its number.
    pub insure_num: InsureNum,
    /// How far it is.
    pub status: Option<Status>,
}

/// Collects a family, ledger by ledger.
#[derive(Debug, Default)]
pub struct Search {
    known: BTreeMap<InsureNum, Option<Status>>,
    links: BTreeSet<(InsureNum, InsureNum)>,
    not_believed: Vec<InsureNum>,
    cut: bool,
}

impl Search {
    /// Begins with the proposal of the story. `tables`: its business rows, if the bodies of its notices are gone.
    pub fn begin(ledger: &Ledger, tables: Option<&Rows>) -> Self {
        let mut search = Self::default();
        let valid: Vec<_> = ledger.valid_links().collect();
        let strange = ledger.links.iter().filter(|link| !valid.contains(link));
        search.not_believed = strange.map(|link| link.reissued_from.clone()).collect();
        search.visit(ledger, tables);
        search
    }

    /// Adds a member and its links.
    pub fn visit(&mut self, ledger: &Ledger, tables: Option<&Rows>) {
        let own = &ledger.insure_num;
        let rows = tables.cloned().unwrap_or_else(|| Rows::of(ledger));
        let status = rows.proposals.get(&()).and_then(|row| row.status);
        self.known.insert(own.clone(), status);
        let from = ledger
            .valid_links()
            .map(|link| (link.reissued_from.clone(), own.clone()));
        self.links.extend(from);
        let to = rows.reissues.into_keys().map(|new| (own.clone(), new));
        self.links.extend(to);
    }

    /// Members that have not been visited yet.
    pub fn unvisited(&mut self) -> Vec<InsureNum> {
        let all = self.links.iter().flat_map(|(from, to)| [from, to]);
        let open: BTreeSet<&InsureNum> = all.filter(|num| !self.known.contains_key(*num)).collect();
        let room = MOST.saturating_sub(self.known.len());
        self.cut = open.len() > room;
        open.into_iter().take(room).cloned().collect()
    }

    /// The family as far as it was visited.
    pub fn finish(self) -> Family {
        let member = |num: &InsureNum| Member {
            insure_num: num.clone(),
            status: self.known.get(num).copied().flatten(),
        };
        let link = |(from, to): &(InsureNum, InsureNum)| Reissue {
            from: member(from),
            to: member(to),
        };
        Family {
            links: self.links.iter().map(link).collect(),
            goes_round: self.known.keys().any(|num| leads_to(&self.links, num, num)),
            cut: self.cut,
            not_believed: self.not_believed,
        }
    }
}

fn leads_to(links: &BTreeSet<(InsureNum, InsureNum)>, start: &InsureNum, end: &InsureNum) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for (_, to) in links.iter().filter(|(from, _)| from == at) {
            if to == end {
                return true;
            }
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    false
}
