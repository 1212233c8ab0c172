//! Policies, and the persons insured by them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rows;
use super::super::story::{Event, PolicyEntry};
use super::View;

impl View<'_> {
    /// The union over the successful issue notices, each policy with all persons that any entry names.
    pub(super) fn policies(&self) -> BTreeMap<&str, PolicyEntry> {
        let mut policies: BTreeMap<&str, PolicyEntry> = BTreeMap::new();
        for notice in &self.own {
            let Event::Issued {
                outcome,
                policies: entries,
            } = &notice.event
            else {
                continue;
            };
            for entry in entries.iter().filter(|_| outcome.success) {
                let Some(number) = &entry.policy_num else { continue };
                let persons = entry.persons.clone();
                policies
                    .entry(number)
                    .or_insert_with(|| entry.clone())
                    .persons
                    .extend(persons);
            }
        }
        policies
    }

    pub(super) fn policy(&self, entry: &PolicyEntry, cancelled: bool) -> rows::Policy {
        rows::Policy {
            insure_num: self.insure_num.to_string(),
            policy_num: entry.policy_num.clone().unwrap_or_default(),
            product_id: entry.product_id,
            product_name: entry.product_name.clone(),
            plan_id: entry.plan_id,
            plan_name: entry.plan_name.clone(),
            applicant: entry.applicant.clone(),
            start_date: entry.start_date,
            end_date: entry.end_date,
            cancelled,
        }
    }

    pub(super) fn persons(&self, entry: &PolicyEntry) -> Vec<rows::InsuredPerson> {
        let left = self.persons_who_left();
        let names: BTreeSet<&String> = entry.persons.iter().collect();
        names
            .into_iter()
            .map(|name| rows::InsuredPerson {
                insure_num: self.insure_num.to_string(),
                policy_num: entry.policy_num.clone().unwrap_or_default(),
                name: name.clone(),
                cancelled: left.contains(name),
            })
            .collect()
    }
}
