//! Issue: one or several policies, one or several persons, in one notice or in two.

use chrono::{Days, NaiveDate};

use super::super::story::{Event, PolicyEntry, StepOutcome};
use super::super::words;
use super::{Progress, ProposalLife};

impl ProposalLife<'_> {
    /// Reports the issue. Returns how far the proposal came.
    pub fn issue(&mut self) -> Progress {
        if self.rng.chance(0.05) {
            // A partial cancellation that comes before the policy it is about.
            self.cancel_in_part();
        }
        if self.rng.chance(self.failures) {
            self.failed_issues();
            if self.rng.chance(0.25) {
                return Progress::IssueFailed;
            }
        }
        let policies = self.policies();
        if policies.len() > 1 && self.rng.chance(0.4) {
            let (first, second) = policies.split_at(policies.len() / 2);
            self.report_issue(first);
            self.report_issue(second);
        } else {
            self.report_issue(&policies);
        }
        Progress::Issued
    }

    fn failed_issues(&mut self) {
        for _ in 0..self.rng.between(1, 2) {
            let outcome = StepOutcome::failed(self.rng.word(words::FAILURES));
            let policies = if self.rng.chance(0.2) {
                vec![self.policy(0, false)]
            } else {
                Vec::new()
            };
            self.report(Event::Issued { outcome, policies });
        }
    }

    fn policies(&mut self) -> Vec<PolicyEntry> {
        let count = if self.rng.chance(0.7) {
            1
        } else {
            self.rng.between(2, 3)
        };
        (0..count).map(|which| self.policy(which, true)).collect()
    }

    fn policy(&mut self, which: i64, numbered: bool) -> PolicyEntry {
        let (product_id, product_name) = *self.rng.pick(words::PRODUCTS);
        let (plan_id, plan_name) = *self.rng.pick(words::PLANS);
        let start = self.now.date() + Days::new(1);
        let end = self.end_date(start);
        let persons = if self.rng.chance(0.9) {
            self.rng.some_of(&self.persons)
        } else {
            Vec::new()
        };
        PolicyEntry {
            policy_num: numbered.then(|| self.policy_num(which)),
            product_id: self.rng.maybe(0.9, product_id),
            product_name: self.rng.maybe(0.9, product_name.to_owned()),
            plan_id: self.rng.maybe(0.9, plan_id),
            plan_name: self.rng.maybe(0.9, plan_name.to_owned()),
            applicant: self.rng.maybe_word(0.9, words::PERSONS),
            persons,
            start_date: self.rng.maybe(0.9, start),
            end_date: self.rng.maybe(0.9, end),
        }
    }

    /// A year, or for life.
    fn end_date(&mut self, start: NaiveDate) -> NaiveDate {
        if self.rng.chance(0.05) {
            return NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(start);
        }
        start + Days::new(364)
    }

    fn policy_num(&mut self, which: i64) -> String {
        match self.rng.between(0, 3) {
            0 => format!("{}{which:02}", self.insure_num),
            _ => format!("BD{}-{which}", self.insure_num),
        }
    }

    fn report_issue(&mut self, policies: &[PolicyEntry]) {
        let mut entries = policies.to_vec();
        if self.rng.chance(0.15) {
            self.split_entry(&mut entries);
        }
        if self.rng.chance(0.03) {
            // Without a policy number there is no policy.
            entries.push(self.policy(0, false));
        }
        if self.rng.chance(0.2) {
            self.rng.shuffle(&mut entries);
        }
        let event = Event::Issued {
            outcome: StepOutcome::ok(),
            policies: entries,
        };
        self.report(event.clone());
        if self.rng.chance(0.05) {
            self.report(event);
        }
    }

    /// The same policy twice in one notice, each with some of the persons: they unite.
    fn split_entry(&mut self, entries: &mut Vec<PolicyEntry>) {
        let Some(entry) = entries.first_mut().filter(|entry| entry.persons.len() > 1) else {
            return;
        };
        let mut second = entry.clone();
        let kept = entry.persons.len() / 2;
        second.persons = entry.persons.split_off(kept);
        second.persons.extend(entry.persons.first().cloned());
        entries.push(second);
    }
}
