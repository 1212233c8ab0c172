//! The report of a run: a line for each fault, as text and as JSON, and sums at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::kind::FaultKind;
use crate::plan::{Detail, Fault};

/// A fault as it happened.
#[derive(Debug, Clone)]
pub struct FaultOutcome {
    pub fault: Fault,
    /// From the first request.
    pub start: Duration,
    /// Until SIGCONT, until the proxy forwards again, until a service is started again, or until a server answers
    /// again.
    pub lasted: Duration,
    /// From then until every service is ready; `None` if that took too long.
    pub recovery: Option<Duration>,
    /// Another fault was active in that time.
    pub disturbed: bool,
}

#[derive(Debug)]
pub struct Record {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    outcomes: Vec<FaultOutcome>,
    json: Option<File>,
}

impl Record {
    pub fn open(json: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| File::create(path).with_context(|| path.display().to_string());
        Ok(Self {
            inner: Mutex::new(Inner {
                outcomes: Vec::new(),
                json: json.map(open).transpose()?,
            }),
        })
    }

    pub fn add(&self, outcome: FaultOutcome) {
        println!("{}", outcome.in_words());
        let mut inner = self.inner();
        inner.write(&outcome.as_json());
        inner.outcomes.push(outcome);
    }

    pub fn summary(&self, value: &Value) {
        self.inner().write(value);
    }

    pub fn count(&self) -> usize {
        self.inner().outcomes.len()
    }

    pub fn problems(&self) -> Vec<String> {
        let inner = self.inner();
        let left = inner.outcomes.iter().filter(|outcome| outcome.recovery.is_none());
        left.map(|outcome| format!("not every service became ready after {}", outcome.fault))
            .collect()
    }

    /// A line for each kind of fault, with the slowest recovery of all, and of the undisturbed ones.
    pub fn by_kind(&self) -> Vec<String> {
        let mut kinds: BTreeMap<FaultKind, KindSummary> = BTreeMap::new();
        for outcome in &self.inner().outcomes {
            kinds.entry(outcome.fault.kind).or_default().add(outcome);
        }
        kinds.into_iter().map(|(kind, sum)| sum.in_words(kind)).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct KindSummary {
    count: usize,
    worst: Duration,
    worst_alone: Option<Duration>,
}

impl KindSummary {
    fn add(&mut self, outcome: &FaultOutcome) {
        self.count += 1;
        let Some(recovery) = outcome.recovery else { return };
        self.worst = self.worst.max(recovery);
        if !outcome.disturbed {
            self.worst_alone = self.worst_alone.max(Some(recovery));
        }
    }

    fn in_words(&self, kind: FaultKind) -> String {
        let alone = match self.worst_alone {
            Some(worst) => format!("{:.2} s", worst.as_secs_f64()),
            None => "-".to_owned(),
        };
        format!(
            "{:<10} {:<15} {:>4} times   recovered within {:>6.2} s   alone {alone:>8}",
            kind.action,
            kind.target,
            self.count,
            self.worst.as_secs_f64()
        )
    }
}

impl Inner {
    fn write(&mut self, value: &Value) {
        if let Some(file) = &mut self.json
            && let Err(error) = writeln!(file, "{value}")
        {
            eprintln!("the JSON lines can't be written: {error}");
        }
    }
}

impl FaultOutcome {
    fn in_words(&self) -> String {
        let disturbed = if self.disturbed { "  (beside others)" } else { "" };
        let recovery = match self.recovery {
            Some(recovery) => format!("recovered in {:>5.2} s", recovery.as_secs_f64()),
            None => "NOT RECOVERED".to_owned(),
        };
        format!(
            "{:<66} at {:>6.1} s  for {:>5.1} s  {recovery}{disturbed}",
            self.fault.to_string(),
            self.start.as_secs_f64(),
            self.lasted.as_secs_f64(),
        )
    }

    fn as_json(&self) -> Value {
        let detail = (self.fault.detail != Detail::Nothing).then(|| self.fault.detail.to_string());
        json!({
            "number": self.fault.number,
            "kind": self.fault.kind.action,
            "target": self.fault.kind.target,
            "which": self.fault.which.map(|which| which + 1),
            "detail": detail,
            "planned_start_s": self.fault.start.as_secs_f64(),
            "start_s": self.start.as_secs_f64(),
            "duration_s": self.lasted.as_secs_f64(),
            "recovery_s": self.recovery.map(|recovery| recovery.as_secs_f64()),
            "disturbed": self.disturbed,
        })
    }
}
