//! The failed attempts to apply one notice: how many, when, where and why. They travel in the headers of the message, so that the
//! worker that takes it next knows them.
//!
//! Only failures of the notice itself count: a worker counts no attempt while the database rejects every write.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Attempts in total. The last failure makes the notice a dead letter.
pub const MAX_ATTEMPTS: usize = 4;

/// Maximum length of one error, in characters. All errors must fit one frame of the broker, beside the other headers.
const ERROR_CHARS: usize = 500;

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// UTC, to the microsecond.
    pub at: DateTime<Utc>,
    /// Host and process id of the worker.
    pub worker: String,
    /// Error text. It names no person.
    pub error: String,
}

impl Attempt {
    /// Rounds `at` down to the microsecond and cuts `error` to 500 characters.
    pub fn new(at: DateTime<Utc>, worker: &str, error: &str) -> Self {
        Self {
            // The time identifies a failure, and a database keeps it to the microsecond.
            at: DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at),
            worker: worker.to_owned(),
            error: error.chars().take(ERROR_CHARS).collect(),
        }
    }
}

/// The wait between two attempts. The broker has a queue for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// After the first failure: 1 s.
    Short,
    /// After the second: 5 s.
    Middle,
    /// After the third: 25 s.
    Long,
}

impl Delay {
    /// All waits, the shortest first.
    pub const ALL: [Self; 3] = [Self::Short, Self::Middle, Self::Long];

    /// The message TTL of the queue.
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Short => 1,
            Self::Middle => 5,
            Self::Long => 25,
        })
    }
}

/// All failures so far, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempts(Vec<Attempt>);

impl Attempts {
    /// Reads the header that [`log`](Self::log) wrote. Any other text counts as no attempt: somebody may have moved the message by
    /// hand, and then it gets all attempts again.
    pub fn read(log: Option<&str>) -> Self {
        let all: Option<Vec<Attempt>> = log.and_then(|text| serde_json::from_str(text).ok());
        Self(all.unwrap_or_default())
    }

    /// The failures, the earliest first.
    pub fn all(&self) -> &[Attempt] {
        &self.0
    }

    /// The number of failures.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Records a failure.
    pub fn fail(&mut self, attempt: Attempt) {
        self.0.push(attempt);
    }

    /// The wait before the next attempt; `None` after the last one.
    pub fn next(&self) -> Option<Delay> {
        match self.count() {
            count if count >= MAX_ATTEMPTS => None,
            0 | 1 => Some(Delay::Short),
            2 => Some(Delay::Middle),
            _ => Some(Delay::Long),
        }
    }

    /// The header `x-attempt-log`: a JSON array of objects with `at` (RFC 3339, UTC), `worker` and `error`.
    pub fn log(&self) -> String {
        let all = self.0.iter().map(|attempt| {
            serde_json::json!({
                "at": attempt.at.to_rfc3339_opts(SecondsFormat::Micros, true),
                "worker": attempt.worker,
                "error": attempt.error,
            })
        });
        serde_json::Value::from_iter(all).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 123_456_789).expect("a time")
    }

    #[test]
    fn the_waits_grow_and_the_fourth_failure_is_the_last() {
        let mut attempts = Attempts::default();
        let mut waits = vec![];
        for second in 0.. {
            attempts.fail(Attempt::new(at(second), "host/1", "refused"));
            match attempts.next() {
                Some(delay) => waits.push(delay),
                None => break,
            }
        }
        assert_eq!(waits, Delay::ALL);
        assert_eq!(attempts.count(), MAX_ATTEMPTS);
        assert!(waits.is_sorted_by_key(|delay| delay.length()));
    }

    #[test]
    fn attempts_survive_the_round_trip_through_a_header() {
        let mut attempts = Attempts::default();
        attempts.fail(Attempt::new(at(1), "host/1", "refused: \"键\"\n"));
        attempts.fail(Attempt::new(at(2), "host/2", &"x".repeat(9_999)));
        let read = Attempts::read(Some(&attempts.log()));
        assert_eq!(read, attempts);
        assert_eq!(read.all()[1].error.len(), ERROR_CHARS);
    }

    #[test]
    fn the_longest_log_fits_one_frame() {
        let mut attempts = Attempts::default();
        for second in 0..MAX_ATTEMPTS as i64 {
            attempts.fail(Attempt::new(
                at(second),
                &"h".repeat(64),
                &"键".repeat(ERROR_CHARS),
            ));
        }
        assert!(attempts.log().len() < 8 * 1024, "{}", attempts.log().len());
    }

    #[test]
    fn any_other_text_is_no_attempt() {
        for text in [None, Some(""), Some("3"), Some("[{}]")] {
            assert_eq!(Attempts::read(text), Attempts::default());
        }
    }
}
