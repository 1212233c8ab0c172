//! How much of what anybody can make up is kept: little from one source, and little of all.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::reply::Verdict;

/// Requests of one verdict from one source in a row, and then one in each pause.
const AT_ONCE: f64 = 60.0;
const PAUSE: TimeDelta = TimeDelta::seconds(10);

/// Sources that are told apart; further ones share what is left for one.
const SOURCES: usize = 1_024;

/// A full table is looked through no more often, since that takes time for which all requests wait.
const SWEPT_EVERY: TimeDelta = TimeDelta::seconds(1);

#[derive(Debug, Default)]
pub(super) struct Allowance {
    sources: HashMap<(&'static str, Option<IpAddr>), Left>,
    swept_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Left {
    requests: f64,
    at: DateTime<Utc>,
}

impl Allowance {
    /// Whether one more is kept; it is counted then.
    pub fn admits(&mut self, verdict: Verdict, source: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let mut key = (verdict.name(), source);
        if !self.sources.contains_key(&key) && self.sources.len() >= SOURCES {
            self.sweep(now);
            if self.sources.len() >= SOURCES {
                key.1 = None;
            }
        }
        let left = self.sources.entry(key).or_insert(Left {
            requests: AT_ONCE,
            at: now,
        });
        left.requests = left.now(now);
        left.at = now;
        let admitted = left.requests >= 1.0;
        if admitted {
            left.requests -= 1.0;
        }
        admitted
    }

    /// Forgets who has all of his allowance.
    fn sweep(&mut self, now: DateTime<Utc>) {
        // Also when the clock was set back.
        if self.swept_at.is_some_and(|at| (now - at).abs() < SWEPT_EVERY) {
            return;
        }
        self.swept_at = Some(now);
        self.sources.retain(|_, left| left.now(now) < AT_ONCE);
    }
}

impl Left {
    fn now(&self, now: DateTime<Utc>) -> f64 {
        let more = (now - self.at).as_seconds_f64().max(0.0) / PAUSE.as_seconds_f64();
        (self.requests + more).min(AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n: usize) -> Option<IpAddr> {
        u32::try_from(n).ok().map(|n| IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn a_full_table_is_swept_once_a_second_and_then_tells_new_sources_apart() {
        let begin = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let mut allowance = Allowance::default();
        let mut admits = |n, millis| {
            let now = begin + TimeDelta::milliseconds(millis);
            allowance.admits(Verdict::NotAllowed, source(n), now);
            (allowance.swept_at, allowance.sources.len())
        };
        for n in 0..SOURCES {
            assert_eq!(admits(n, 0), (None, n + 1));
        }
        let full = SOURCES + 1;
        assert_eq!(
            admits(SOURCES, 1),
            (Some(begin + TimeDelta::milliseconds(1)), full)
        );
        // All of the others have all of their allowance by then.
        let long = 20_000;
        let swept = Some(begin + TimeDelta::milliseconds(long));
        assert_eq!(admits(SOURCES + 1, long), (swept, 1));
        for n in 0..SOURCES - 1 {
            admits(n, long);
        }
        assert_eq!(admits(SOURCES + 2, long + 999), (swept, full));
        let swept = Some(begin + TimeDelta::milliseconds(long + 1_000));
        assert_eq!(admits(SOURCES + 3, long + 1_000), (swept, full));
    }
}
