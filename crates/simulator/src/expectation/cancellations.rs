//! Cancellations, reissues among them, and whom they take out.

use std::collections::{BTreeMap, BTreeSet};

use xiebao_core::id::InsureNum;

use super::super::rows;
use super::super::story::{Cancellation, Event, PolicyEntry};
use super::{View, keep_greatest};

impl View<'_> {
    pub(super) fn cancellations(&self) -> impl Iterator<Item = (i64, &Cancellation, Option<&InsureNum>)> {
        self.own.iter().filter_map(|notice| match &notice.event {
            Event::Cancelled(cancellation) => Some((4, cancellation, None)),
            Event::Reissued {
                cancellation,
                new_insure_num,
            } => Some((5, cancellation, new_insure_num.as_ref())),
            _ => None,
        })
    }

    pub(super) fn whole_cancelled(&self) -> bool {
        self.cancellations().any(|(notify_type, cancellation, _)| {
            cancellation.outcome.success && (notify_type == 5 || cancellation.persons.is_empty())
        })
    }

    pub(super) fn persons_who_left(&self) -> BTreeSet<&String> {
        let successful = self
            .cancellations()
            .filter(|(_, cancellation, _)| cancellation.outcome.success);
        successful
            .flat_map(|(_, cancellation, _)| &cancellation.persons)
            .collect()
    }

    /// One row a cancellation (type, outcome, persons, new number), whatever its words.
    pub(super) fn cancellation_rows(&self) -> Vec<rows::Cancellation> {
        let mut all: BTreeMap<_, rows::Cancellation> = BTreeMap::new();
        for (notify_type, cancellation, new) in self.cancellations() {
            let success = cancellation.outcome.success;
            let insurants = sorted_array(&cancellation.persons);
            let new_insure_num = new.map(InsureNum::to_string);
            let identity = (notify_type, success, insurants.clone(), new_insure_num.clone());
            let row = all.entry(identity).or_insert_with(|| rows::Cancellation {
                insure_num: self.insure_num.to_string(),
                notify_type,
                success,
                insurants,
                new_insure_num,
                cancel_msg: None,
                fail_msg: None,
            });
            keep_greatest(&mut row.cancel_msg, cancellation.cancel_msg.as_ref());
            keep_greatest(&mut row.fail_msg, cancellation.outcome.fail_msg.as_ref());
        }
        all.into_values().collect()
    }

    /// One row a successful cancellation, with those of its persons whom no policy names.
    pub(super) fn unmatched_persons(
        &self,
        policies: &BTreeMap<&str, PolicyEntry>,
    ) -> Vec<rows::UnmatchedPersons> {
        let insured: BTreeSet<&String> = policies.values().flat_map(|entry| &entry.persons).collect();
        let mut all = BTreeMap::new();
        for (_, cancellation, _) in self.cancellations() {
            let strangers = cancellation.persons.iter().filter(|name| !insured.contains(name));
            let strangers: Vec<String> = strangers.cloned().collect();
            if let Some(names) = sorted_array(&strangers).filter(|_| cancellation.outcome.success) {
                let insure_num = self.insure_num.to_string();
                let row = rows::UnmatchedPersons { insure_num, names };
                all.insert(sorted_array(&cancellation.persons), row);
            }
        }
        all.into_values().collect()
    }
}

/// A compact JSON array of the names in byte order; `None` for nobody.
fn sorted_array(names: &[String]) -> Option<String> {
    let names: BTreeSet<&String> = names.iter().collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    (!quoted.is_empty()).then(|| format!("[{}]", quoted.join(",")))
}
