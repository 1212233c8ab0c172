//! The rules of sequencing: which step waits for which, how long, and what happens when the wait ends. They come from
//! `sequencing.*` and `subscribed` of the configuration.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use thiserror::Error;

use crate::id::{Step, StepSet};

/// The treatment of a notice whose predecessor did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// Apply it without the predecessor.
    Apply,
    /// Make it a dead letter.
    DeadLetter,
}

/// `sequencing.<step>` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSettings {
    /// The steps whose success this step waits for.
    pub after: Vec<Step>,
    /// The longest wait, from the moment when a worker first holds the notice.
    pub max_wait: TimeDelta,
    /// The treatment of a notice whose wait has ended.
    pub on_timeout: OnTimeout,
}

/// The settings as configured, not validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSettings {
    /// Settings by step. A missing step has its default.
    pub steps: BTreeMap<Step, StepSettings>,
    /// The steps whose notices are applied.
    pub subscribed: StepSet,
    /// For this long after the last copy, an identical endorsement or abnormality is a duplicate.
    pub repeat_window: TimeDelta,
}

impl StepSettings {
    /// The defaults of the contract.
    pub fn default_of(step: Step) -> Self {
        let after = match step {
            Step::Insured | Step::Abnormality => vec![],
            Step::Paid => vec![Step::Insured],
            Step::Issued => vec![Step::Paid],
            Step::Cancelled | Step::Reissued | Step::EPolicy | Step::Endorsement => vec![Step::Issued],
        };
        Self {
            after,
            max_wait: TimeDelta::minutes(10),
            on_timeout: OnTimeout::Apply,
        }
    }
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self {
            steps: Step::ALL
                .into_iter()
                .map(|step| (step, StepSettings::default_of(step)))
                .collect(),
            subscribed: StepSet::ALL,
            repeat_window: TimeDelta::days(7),
        }
    }
}

/// Settings that are not valid rules.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RuleFault {
    /// The steps of a cycle; the first is repeated at the end.
    #[error("the steps wait for each other in a cycle: {}", .0.iter().map(|s| s.name()).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<Step>),
    /// A negative `max_wait`.
    #[error("max_wait of {0} is negative")]
    NegativeWait(Step),
}

/// Valid settings, in the form that decisions use.
#[derive(Debug, Clone)]
pub struct Rules {
    settings: RuleSettings,
    /// The subscribed steps that each step waits for.
    waits_for: [StepSet; Step::COUNT],
    /// The position of each step in step order: every step comes after the steps that it waits for.
    rank: [u8; Step::COUNT],
}

impl Default for Rules {
    fn default() -> Self {
        match Self::new(RuleSettings::default()) {
            Ok(rules) => rules,
            Err(faults) => unreachable!("the defaults are valid: {faults:?}"),
        }
    }
}

impl Rules {
    /// Validates the settings.
    ///
    /// # Errors
    ///
    /// All faults: every negative wait, and one cycle if there is any.
    pub fn new(mut settings: RuleSettings) -> Result<Self, Vec<RuleFault>> {
        for step in Step::ALL {
            settings
                .steps
                .entry(step)
                .or_insert_with(|| StepSettings::default_of(step));
        }
        let mut faults: Vec<RuleFault> = settings
            .steps
            .iter()
            .filter(|(_, s)| s.max_wait < TimeDelta::zero())
            .map(|(step, _)| RuleFault::NegativeWait(*step))
            .collect();
        let rank = match ranks(&settings) {
            Ok(rank) => rank,
            Err(cycle) => {
                faults.push(RuleFault::Cycle(cycle));
                return Err(faults);
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let waits_for = Step::ALL.map(|step| effective_after(&settings, step));
        Ok(Self {
            settings,
            waits_for,
            rank,
        })
    }

    /// Notices of that step are applied.
    pub fn is_subscribed(&self, step: Step) -> bool {
        self.settings.subscribed.contains(step)
    }

    /// The subscribed steps that `step` waits for. An unsubscribed step is replaced by the steps that it waits for itself.
    pub fn waits_for(&self, step: Step) -> StepSet {
        self.waits_for[step as usize]
    }

    /// The position of the step in step order, from 0.
    pub fn rank(&self, step: Step) -> u8 {
        self.rank[step as usize]
    }

    /// The longest wait, from the moment when a worker first holds the notice.
    pub fn max_wait(&self, step: Step) -> TimeDelta {
        self.settings.steps[&step].max_wait
    }

    /// The treatment of a notice whose wait has ended.
    pub fn on_timeout(&self, step: Step) -> OnTimeout {
        self.settings.steps[&step].on_timeout
    }

    /// For this long after the last copy, an identical endorsement or abnormality is a duplicate.
    pub fn repeat_window(&self) -> TimeDelta {
        self.settings.repeat_window
    }
}

fn effective_after(settings: &RuleSettings, step: Step) -> StepSet {
    let mut effective = StepSet::default();
    for earlier in &settings.steps[&step].after {
        if settings.subscribed.contains(*earlier) {
            effective.insert(*earlier);
        } else {
            effective_after(settings, *earlier)
                .iter()
                .for_each(|s| effective.insert(s));
        }
    }
    effective
}

/// Sorts the steps topologically: repeatedly places the first step of the usual order whose predecessors are all placed.
/// `Err` holds a cycle, with its first step repeated at the end.
fn ranks(settings: &RuleSettings) -> Result<[u8; Step::COUNT], Vec<Step>> {
    let mut rank = [0; Step::COUNT];
    let mut placed = StepSet::default();
    for position in 0..Step::COUNT as u8 {
        let ready = |step: &Step| {
            !placed.contains(*step) && settings.steps[step].after.iter().all(|s| placed.contains(*s))
        };
        let Some(next) = Step::ALL.into_iter().find(ready) else {
            return Err(cycle(settings, placed));
        };
        rank[next as usize] = position;
        placed.insert(next);
    }
    Ok(rank)
}

/// Follows unplaced predecessors until a step repeats.
fn cycle(settings: &RuleSettings, placed: StepSet) -> Vec<Step> {
    let mut path: Vec<Step> = Vec::new();
    let mut at = Step::ALL.into_iter().find(|step| !placed.contains(*step));
    while let Some(step) = at {
        if let Some(start) = path.iter().position(|s| *s == step) {
            path.push(step);
            return path.split_off(start);
        }
        path.push(step);
        at = settings.steps[&step]
            .after
            .iter()
            .copied()
            .find(|s| !placed.contains(*s));
    }
    path
}

#[cfg(test)]
mod tests;
