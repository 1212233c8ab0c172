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

#[derive(Debug, Default)]
pub(super) struct Allowance(HashMap<(&'static str, Option<IpAddr>), Left>);

#[derive(Debug)]
struct Left {
    requests: f64,
    at: DateTime<Utc>,
}

impl Allowance {
    /// Whether one more is kept; it is counted then.
    pub fn admits(&mut self, verdict: Verdict, source: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let mut key = (verdict.name(), source);
        if !self.0.contains_key(&key) && self.0.len() >= SOURCES {
            self.0.retain(|_, left| left.now(now) < AT_ONCE);
            if self.0.len() >= SOURCES {
                key.1 = None;
            }
        }
        let left = self.0.entry(key).or_insert(Left {
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
}

impl Left {
    fn now(&self, now: DateTime<Utc>) -> f64 {
        let more = (now - self.at).as_seconds_f64().max(0.0) / PAUSE.as_seconds_f64();
        (self.requests + more).min(AT_ONCE)
    }
}
