//! Steps after the issue: e-policy, endorsements, cancellations, and the cancellation that is a reissue.

use xiebao_core::id::InsureNum;

use super::super::story::{Cancellation, Endorsement, Event, StepOutcome};
use super::super::words;
use super::ProposalLife;

impl ProposalLife<'_> {
    /// Reports an e-policy, in most cases.
    pub fn perhaps_e_policy(&mut self) {
        if self.rng.chance(0.5) {
            self.fallible(Event::EPolicy);
        }
    }

    /// Rounds of 1 → 3 → 4 or 5, or just 2; 3 may be missing. No two say the same.
    pub fn perhaps_endorse(&mut self) {
        if !self.rng.chance(0.25) {
            return;
        }
        for round in 1..=self.rng.between(1, 3) {
            if self.rng.chance(self.failures) {
                self.endorse(round, 2);
                continue;
            }
            self.endorse(round, 1);
            if self.rng.chance(0.7) {
                self.endorse(round, 3);
            }
            let last = if self.rng.chance(self.failures) { 5 } else { 4 };
            self.endorse(round, last);
        }
    }

    fn endorse(&mut self, round: i64, status: i64) {
        let success = !matches!(status, 2 | 5) || self.rng.chance(0.2);
        let msg = Some(format!("第 {round} 次批改，状态 {status}"));
        let remark = self.rng.maybe_word(0.7, words::REMARKS);
        self.report(Event::Endorsed(Endorsement {
            success,
            status,
            msg,
            remark,
        }));
    }

    /// Reports a cancellation, in some cases.
    pub fn perhaps_cancel(&mut self) {
        match self.rng.between(0, 11) {
            0 => self.cancel_in_full(),
            1 => self.cancel_in_part(),
            2 => {
                self.cancel_in_part();
                self.cancel_in_part();
            }
            3 => {
                self.cancel_in_part();
                self.cancel_in_full();
            }
            4 => self.refused_cancellation(),
            _ => {}
        }
    }

    /// Cancels all policies.
    pub fn cancel_in_full(&mut self) {
        self.cancel(Vec::new());
    }

    /// Cancels for some of the insured persons.
    pub fn cancel_in_part(&mut self) {
        let mut persons = self.rng.some_of(&self.persons);
        if self.rng.chance(0.1) {
            // A person whom no policy of the proposal names.
            persons.push(format!("{}(外)", words::PERSONS[0]));
        }
        self.rng.shuffle(&mut persons);
        self.cancel(persons);
    }

    fn cancel(&mut self, persons: Vec<String>) {
        if self.rng.chance(self.failures) {
            let reason = self.rng.word(words::FAILURES);
            let cancellation = self.cancellation(StepOutcome::failed(reason), &persons);
            self.report(Event::Cancelled(cancellation));
        }
        let cancellation = self.cancellation(StepOutcome::ok(), &persons);
        self.report(Event::Cancelled(cancellation));
        if self.rng.chance(0.15) {
            // The same cancellation in other words: one row.
            let again = self.cancellation(StepOutcome::ok(), &persons);
            self.report(Event::Cancelled(again));
        }
    }

    fn refused_cancellation(&mut self) {
        let persons = if self.rng.chance(0.5) {
            self.rng.some_of(&self.persons)
        } else {
            Vec::new()
        };
        let reason = self.rng.word(words::FAILURES);
        let cancellation = self.cancellation(StepOutcome::failed(reason), &persons);
        self.report(Event::Cancelled(cancellation));
    }

    fn cancellation(&mut self, outcome: StepOutcome, persons: &[String]) -> Cancellation {
        let cancel_msg = self.rng.maybe_word(0.3, words::CANCEL_REASONS);
        Cancellation {
            outcome,
            persons: persons.to_vec(),
            cancel_msg,
        }
    }

    /// Cancels the proposal and issues it again under `replacement`.
    pub fn reissue(&mut self, replacement: &InsureNum) {
        if self.rng.chance(self.failures) {
            let reason = self.rng.word(words::FAILURES);
            let cancellation = self.cancellation(StepOutcome::failed(reason), &[]);
            let new_insure_num = self.rng.maybe(0.3, replacement.clone());
            self.report(Event::Reissued {
                cancellation,
                new_insure_num,
            });
        }
        let persons = if self.rng.chance(0.05) {
            self.rng.some_of(&self.persons)
        } else {
            Vec::new()
        };
        let cancellation = self.cancellation(StepOutcome::ok(), &persons);
        self.report(Event::Reissued {
            cancellation,
            new_insure_num: Some(replacement.clone()),
        });
    }
}
