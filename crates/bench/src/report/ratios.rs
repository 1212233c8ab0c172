//! The ratios that must hold. Only ratios can be compared between machines.

use super::Results;
use super::table::{grouped, number};

/// Milliseconds that the receiver may add to twice the raw confirm.
const ADDED_MS: f64 = 2.0;
/// The most memory of a service at full load, in MB.
const MOST_MB: f64 = 64.0;
const MOST_LAG_MS: f64 = 1_000.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

/// One figure over another.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    pub name: &'static str,
    /// `None` if one of the figures is unknown.
    pub value: Option<f64>,
    pub target: Target,
    /// Both figures, with their unit.
    pub figures: String,
}

impl Target {
    pub const fn value(self) -> f64 {
        match self {
            Self::AtLeast(value) | Self::AtMost(value) | Self::Below(value) => value,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self {
            Self::AtLeast(_) => '≥',
            Self::AtMost(_) => '≤',
            Self::Below(_) => '<',
        };
        write!(f, "{sign} {:.2}", self.value())
    }
}

impl Ratio {
    /// `None` if the value is unknown.
    pub fn holds(&self) -> Option<bool> {
        let value = self.value?;
        Some(match self.target {
            Target::AtLeast(least) => value >= least,
            Target::AtMost(most) => value <= most,
            Target::Below(limit) => value < limit,
        })
    }
}

/// All ratios, known or not, in the order of the data flow.
pub fn all(results: &Results) -> Vec<Ratio> {
    let figure = |key| results.get(key);
    let allowed_ms = figure("raw_broker_p99_ms_2000").map(|raw| 2.0 * raw + ADDED_MS);
    let (least, most, below) = (Target::AtLeast, Target::AtMost, Target::Below);
    let megabytes = Some(MOST_MB);
    vec![
        rates(
            "receiver, 256 connections / raw broker",
            figure("receiver_rate_256"),
            figure("raw_broker_rate"),
            least(0.90),
        ),
        rates(
            "receiver, 64 connections / raw broker",
            figure("receiver_rate_64"),
            figure("raw_broker_rate"),
            least(0.65),
        ),
        ratio(
            "receiver p99 at 2,000/s / (2 × raw p99 + 2 ms)",
            figure("receiver_p99_ms_2000"),
            allowed_ms,
            "ms",
            most(1.0),
        ),
        rates(
            "worker, in order / raw database",
            figure("worker_rate_in_order"),
            figure("raw_database_rate"),
            least(0.40),
        ),
        rates(
            "worker, shuffled / in order",
            figure("worker_rate_shuffled"),
            figure("worker_rate_in_order"),
            least(0.60),
        ),
        rates(
            "worker, 30 % duplicates / in order",
            figure("worker_rate_duplicates"),
            figure("worker_rate_in_order"),
            least(0.95),
        ),
        rates(
            "three workers / one",
            figure("worker_rate_3_workers"),
            figure("worker_rate_in_order"),
            least(0.90),
        ),
        ratio(
            "deadlock retries, three workers / 1 in 1,000",
            figure("deadlock_retries_per_1000"),
            Some(1.0),
            "in 1,000",
            below(1.0),
        ),
        rates(
            "the whole / raw broker",
            figure("whole_rate"),
            figure("raw_broker_rate"),
            least(0.20),
        ),
        ratio(
            "lag p99 at half that rate / 1 s",
            figure("whole_lag_p99_ms_half"),
            Some(MOST_LAG_MS),
            "ms",
            below(1.0),
        ),
        rates(
            "draining beside 5 million / empty",
            figure("drain_rate_5m"),
            figure("drain_rate_0"),
            least(0.80),
        ),
        ratio(
            "receiver, most memory / 64 MB",
            figure("receiver_rss_mb"),
            megabytes,
            "MB",
            below(1.0),
        ),
        ratio(
            "worker, most memory / 64 MB",
            figure("worker_rss_mb"),
            megabytes,
            "MB",
            below(1.0),
        ),
        ratio(
            "receiver, memory at minute 10 / 2",
            figure("receiver_rss_mb_minute_10"),
            figure("receiver_rss_mb_minute_2"),
            "MB",
            most(1.1),
        ),
        ratio(
            "worker, memory at minute 10 / 2",
            figure("worker_rss_mb_minute_10"),
            figure("worker_rss_mb_minute_2"),
            "MB",
            most(1.1),
        ),
    ]
}

fn rates(name: &'static str, value: Option<f64>, of: Option<f64>, target: Target) -> Ratio {
    ratio(name, value, of, "/s", target)
}

fn ratio(name: &'static str, value: Option<f64>, of: Option<f64>, unit: &str, target: Target) -> Ratio {
    let known = value.zip(of).filter(|(_, of)| *of > 0.0);
    let digits = if unit == "/s" { grouped } else { number };
    Ratio {
        name,
        value: known.map(|(value, of)| value / of),
        target,
        figures: known.map_or_else(String::new, |(value, of)| {
            format!("{} of {} {unit}", digits(value), digits(of))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(results: &Results, name: &str) -> Ratio {
        let mut found = all(results)
            .into_iter()
            .filter(|ratio| ratio.name.starts_with(name));
        found.next().expect("a ratio of that name")
    }

    #[test]
    fn a_ratio_holds_fails_or_is_unknown() {
        let mut results = Results::of(&[("receiver_rate_256", 18_000.0)]);
        let holds = |results: &Results| find(results, "receiver, 256").holds();
        assert_eq!(holds(&results), None);
        results.figures.insert("raw_broker_rate".to_owned(), 20_000.0);
        assert_eq!(holds(&results), Some(true));
        results.figures.insert("raw_broker_rate".to_owned(), 20_001.0);
        assert_eq!(holds(&results), Some(false));
        results.figures.insert("raw_broker_rate".to_owned(), 0.0);
        assert_eq!(holds(&results), None);
    }

    #[test]
    fn the_acknowledgement_may_take_twice_the_confirm_and_two_milliseconds() {
        let mut results = Results::of(&[("raw_broker_p99_ms_2000", 3.0), ("receiver_p99_ms_2000", 8.0)]);
        let holds = |results: &Results| find(results, "receiver p99").holds();
        assert_eq!(holds(&results), Some(true));
        results.figures.insert("receiver_p99_ms_2000".to_owned(), 8.01);
        assert_eq!(holds(&results), Some(false));
    }

    #[test]
    fn under_a_second_is_not_a_second() {
        let lag = |ms| Results::of(&[("whole_lag_p99_ms_half", ms)]);
        assert_eq!(find(&lag(999.9), "lag").holds(), Some(true));
        assert_eq!(find(&lag(1_000.0), "lag").holds(), Some(false));
    }
}
