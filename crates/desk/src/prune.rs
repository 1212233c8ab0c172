//! Emptied bodies of old notices: the report as text.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use xiebao_store::prune::Report;

use crate::words::Words;

/// No body younger than 30 days is emptied, whatever is asked for: a typing error must not cost the inbox.
const LEAST_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The age is less than [`LEAST_AGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooYoung;

/// The time before which bodies are old enough.
///
/// # Errors
/// [`TooYoung`] if the age is less than 30 days.
pub fn before(age: Duration, now: DateTime<Utc>) -> Result<DateTime<Utc>, TooYoung> {
    if age < LEAST_AGE {
        return Err(TooYoung);
    }
    let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
    let before = now.checked_sub_signed(age).unwrap_or_default();
    Ok(before.max(DateTime::UNIX_EPOCH))
}

impl TooYoung {
    /// The error as text, to follow the argument.
    pub fn text(self, words: &dyn Words) -> String {
        let least = words.duration(TimeDelta::from_std(LEAST_AGE).unwrap_or_default());
        words.too_young(&least)
    }
}

/// The report as text. `dry_run`: nothing was emptied.
pub fn page(report: &Report, before: DateTime<Utc>, dry_run: bool, words: &dyn Words) -> String {
    words.pruned(report, before, dry_run)
}
