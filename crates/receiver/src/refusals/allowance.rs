//! Bounds how many unauthenticated requests are kept, from one source and in all.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::reply::Verdict;

/// A token bucket for each verdict and source: this many requests at once, then one per interval.
const BURST: f64 = 60.0;
const REFILL_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Sources with a bucket of their own; further ones share one.
const MAX_SOURCES: usize = 1_024;

/// A full table is swept no more often, because all requests wait for a sweep.
const SWEEP_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// The token buckets.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    sources: HashMap<(&'static str, Option<IpAddr>), Bucket>,
    swept_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

impl Allowance {
    /// Takes a token if there is one, and returns whether there was.
    pub fn admits(&mut self, verdict: Verdict, source: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let mut key = (verdict.name(), source);
        if !self.sources.contains_key(&key) && self.sources.len() >= MAX_SOURCES {
            self.sweep(now);
            if self.sources.len() >= MAX_SOURCES {
                key.1 = None;
            }
        }
        let bucket = self.sources.entry(key).or_insert(Bucket {
            tokens: BURST,
            at: now,
        });
        bucket.tokens = bucket.tokens_at(now);
        bucket.at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    /// Removes full buckets.
    fn sweep(&mut self, now: DateTime<Utc>) {
        // The absolute difference, in case the clock was set back.
        if self.swept_at.is_some_and(|at| (now - at).abs() < SWEEP_INTERVAL) {
            return;
        }
        self.swept_at = Some(now);
        self.sources.retain(|_, bucket| bucket.tokens_at(now) < BURST);
    }
}

impl Bucket {
    fn tokens_at(&self, now: DateTime<Utc>) -> f64 {
        let refilled = (now - self.at).as_seconds_f64().max(0.0) / REFILL_INTERVAL.as_seconds_f64();
        (self.tokens + refilled).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n: usize) -> Option<IpAddr> {
        u32::try_from(n).ok().map(|n| IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn a_full_table_is_swept_once_a_second_and_then_takes_new_sources() {
        let begin = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let mut allowance = Allowance::default();
        let mut admits = |n, millis| {
            let now = begin + TimeDelta::milliseconds(millis);
            allowance.admits(Verdict::NotAllowed, source(n), now);
            (allowance.swept_at, allowance.sources.len())
        };
        for n in 0..MAX_SOURCES {
            assert_eq!(admits(n, 0), (None, n + 1));
        }
        let full = MAX_SOURCES + 1;
        assert_eq!(
            admits(MAX_SOURCES, 1),
            (Some(begin + TimeDelta::milliseconds(1)), full)
        );
        // All the other buckets are full by then.
        let long = 20_000;
        let swept = Some(begin + TimeDelta::milliseconds(long));
        assert_eq!(admits(MAX_SOURCES + 1, long), (swept, 1));
        for n in 0..MAX_SOURCES - 1 {
            admits(n, long);
        }
        assert_eq!(admits(MAX_SOURCES + 2, long + 999), (swept, full));
        let swept = Some(begin + TimeDelta::milliseconds(long + 1_000));
        assert_eq!(admits(MAX_SOURCES + 3, long + 1_000), (swept, full));
    }
}
