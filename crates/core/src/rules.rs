//! What waits for what, how long, and what happens then: `sequencing.*` and `subscribed` of the configuration.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;
use thiserror::Error;

use crate::id::{Step, StepSet};

/// What becomes of a notice whose predecessor did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    Apply,
    DeadLetter,
}

/// `sequencing.<step>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSettings {
    /// The steps whose success it waits for.
    pub after: Vec<Step>,
    /// How long at most, from the moment a worker first holds it.
    pub max_wait: TimeDelta,
    pub on_timeout: OnTimeout,
}

/// The settings as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSettings {
    /// A step that is absent has its default.
    pub steps: BTreeMap<Step, StepSettings>,
    pub subscribed: StepSet,
    /// How long after its last copy an identical endorsement or abnormality is still a duplicate.
    pub repeat_window: TimeDelta,
}

impl StepSettings {
    /// The contract's defaults.
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

/// Why settings are no rules.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum RuleFault {
    #[error("the steps wait for each other in a circle: {}", .0.iter().map(|s| s.name()).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<Step>),
    #[error("max_wait of {0} is negative")]
    NegativeWait(Step),
}

/// Settings that have been found sound, ready for use.
#[derive(Debug, Clone)]
pub struct Rules {
    settings: RuleSettings,
    /// What each step waits for once unsubscribed steps have dropped out.
    waits_for: [StepSet; 8],
    /// The place of each step in step order: no step stands before one that it waits for.
    rank: [u8; 8],
}

impl Default for Rules {
    fn default() -> Self {
        match Self::new(RuleSettings::default()) {
            Ok(rules) => rules,
            Err(faults) => unreachable!("the defaults are sound: {faults:?}"),
        }
    }
}

impl Rules {
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

    pub fn is_subscribed(&self, step: Step) -> bool {
        self.settings.subscribed.contains(step)
    }

    /// The subscribed steps that `step` waits for, directly or in place of an unsubscribed one.
    pub fn waits_for(&self, step: Step) -> StepSet {
        self.waits_for[step as usize]
    }

    pub fn rank(&self, step: Step) -> u8 {
        self.rank[step as usize]
    }

    pub fn max_wait(&self, step: Step) -> TimeDelta {
        self.settings.steps[&step].max_wait
    }

    pub fn on_timeout(&self, step: Step) -> OnTimeout {
        self.settings.steps[&step].on_timeout
    }

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

/// Places the steps one by one, each as soon as all that it waits for is placed, in the usual order otherwise.
/// `Err`: a circle, with its first step repeated at the end.
fn ranks(settings: &RuleSettings) -> Result<[u8; 8], Vec<Step>> {
    let mut rank = [0; 8];
    let mut placed = StepSet::default();
    for place in 0..8 {
        let ready = |step: &Step| {
            !placed.contains(*step) && settings.steps[step].after.iter().all(|s| placed.contains(*s))
        };
        let Some(next) = Step::ALL.into_iter().find(ready) else {
            return Err(circle(settings, placed));
        };
        rank[next as usize] = place;
        placed.insert(next);
    }
    Ok(rank)
}

/// Follows unplaced predecessors until one comes round again.
fn circle(settings: &RuleSettings, placed: StepSet) -> Vec<Step> {
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
