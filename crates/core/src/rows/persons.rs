//! Policies, their persons, and who has left them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::project::{cancellation_key, issued_policies};
use super::{PersonKey, PersonRow, Rows, UnmatchedRow};
use crate::facts::{Cancellation, Fact, Notice};
use crate::id::{InsureNum, Step};
use crate::ledger::Ledger;
use crate::names::comparable;

impl Rows {
    /// Two spellings of one name in a notice are two persons, as stated; a cancellation that names either marks both.
    pub(super) fn add_policies(&mut self, ledger: &Ledger) {
        let facts = ledger.facts();
        let cancelled = facts.cancelled_in_full || facts.succeeded.contains(Step::Reissued);
        let gone = cancelled_names(ledger);
        let mut persons: BTreeMap<&InsureNum, &BTreeSet<String>> = BTreeMap::new();
        for issued in issued_policies(ledger) {
            let row = self.policies.entry(issued.policy_num.clone());
            let row = row
                .and_modify(|row| row.take_over(&issued.stated))
                .or_insert_with(|| issued.stated.clone());
            row.cancelled = cancelled;
            if !issued.persons.is_empty() {
                persons.insert(&issued.policy_num, &issued.persons);
            }
        }
        for (policy_num, names) in persons {
            for name in names {
                let key = PersonKey {
                    policy_num: policy_num.clone(),
                    name: name.clone(),
                };
                let cancelled = !gone.is_empty() && gone.contains(&comparable(name));
                self.insured_persons.insert(key, PersonRow { cancelled });
            }
        }
        if !gone.is_empty() && !cancelled {
            self.add_unmatched(ledger);
        }
    }

    /// Nobody can be marked for a name that is in no policy, so a person must look. Once the whole proposal is cancelled, it matters
    /// no more.
    fn add_unmatched(&mut self, ledger: &Ledger) {
        let insured: BTreeSet<Cow<'_, str>> = self
            .insured_persons
            .keys()
            .map(|key| comparable(&key.name))
            .collect();
        for (notice, cancellation) in cancellations(ledger) {
            let names = cancellation.insurants.iter();
            let unmatched: Vec<&String> = names
                .filter(|name| !insured.contains(&comparable(name)))
                .collect();
            if unmatched.is_empty() {
                continue;
            }
            let stated = serde_json::json!(unmatched).to_string();
            let row = self
                .unmatched_persons
                .entry(cancellation_key(notice, cancellation));
            // Other notices of this cancellation may spell the names differently.
            row.and_modify(|row| row.names = stated.clone().max(std::mem::take(&mut row.names)))
                .or_insert(UnmatchedRow { names: stated });
        }
    }
}

impl UnmatchedRow {
    /// The persons of the array.
    pub fn persons(&self) -> Vec<String> {
        serde_json::from_str(&self.names).unwrap_or_default()
    }
}

/// The names in successful cancellations, as they are compared.
fn cancelled_names(ledger: &Ledger) -> BTreeSet<Cow<'_, str>> {
    let names = cancellations(ledger).flat_map(|(_, cancellation)| &cancellation.insurants);
    names.map(|name| comparable(name)).collect()
}

fn cancellations(ledger: &Ledger) -> impl Iterator<Item = (&Notice, &Cancellation)> {
    let notices = ledger.counted().map(|entry| entry.notice.as_ref());
    notices
        .filter(|notice| notice.success)
        .filter_map(|notice| match &notice.fact {
            Fact::Cancelled(cancellation) | Fact::Reissued(cancellation) => Some((notice, cancellation)),
            _ => None,
        })
}
