//! Counts of requests by outcome, as they end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::http::{Answer, PostError};

/// Two minutes: longer than the platform waits for an answer.
const LONGEST_MICROS: u64 = 120_000_000;

/// Counts of requests by outcome.
#[derive(Debug, Clone)]
pub struct RequestCounts {
    /// Requests that were answered or failed.
    pub requests: u64,
    /// Acknowledged requests.
    pub acks: u64,
    /// Requests made by the platform's re-send rule.
    pub resent: u64,
    /// Notices that the platform gave up.
    pub given_up: u64,
    /// Answers by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// When the last acknowledgement came.
    pub last_ack: Option<Instant>,
    /// Between two acknowledgements, while there was something new to be sent.
    pub longest_gap: Duration,
    latency: Histogram<u64>,
}

/// From the moment a request was due to its acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p99_9_ms: f64,
    /// The longest time, in milliseconds.
    pub max_ms: f64,
}

impl RequestCounts {
    /// No requests yet.
    pub fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("the bounds are in order");
        Self {
            requests: 0,
            acks: 0,
            resent: 0,
            given_up: 0,
            verdicts: BTreeMap::new(),
            last_ack: None,
            longest_gap: Duration::ZERO,
            latency,
        }
    }

    /// `true`: acknowledged.
    pub fn record(&mut self, outcome: &Result<Answer, PostError>, latency: Duration, now: Instant) -> bool {
        self.requests += 1;
        let verdict = match outcome {
            Ok(Answer {
                verdict: Some(verdict),
                ..
            }) => verdict.clone(),
            Ok(answer) => format!("HTTP {}", answer.status.as_u16()),
            Err(_) => "no answer".to_owned(),
        };
        *self.verdicts.entry(verdict).or_default() += 1;
        let acknowledged = outcome.as_ref().is_ok_and(Answer::is_acknowledgement);
        if acknowledged {
            self.acks += 1;
            self.last_ack = Some(now);
            self.latency
                .saturating_record(latency.as_micros().try_into().unwrap_or(LONGEST_MICROS));
        }
        acknowledged
    }

    /// To be called before [`Self::record`], for as long as the platform has something new to send.
    pub fn watch_gap(&mut self, now: Instant) {
        let gap = self
            .last_ack
            .map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.longest_gap = self.longest_gap.max(gap);
    }

    /// How long acknowledgements took.
    pub fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1e3;
        Percentiles {
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p99_9_ms: at(0.999),
            max_ms: self.latency.max() as f64 / 1e3,
        }
    }
}

impl Default for RequestCounts {
    fn default() -> Self {
        Self::new()
    }
}
