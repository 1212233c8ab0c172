//! Rates of windows, and the best of several shapes of load.

use std::time::Duration;

use clap::ValueEnum;

/// The number of shapes of load to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sweep {
    /// The shapes that have been best on some machine
    Quick,
    /// All shapes
    Full,
}

/// `count` events, this long after the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done {
    pub at: Duration,
    pub count: usize,
}

/// The middle value, or the mean of the two middle values; 0 without values.
pub fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// Cuts `time` into equal windows of about `length`, and returns the rate of each, a second.
pub fn windows(done: &[Done], time: Duration, length: Duration) -> Vec<f64> {
    let number = (time.as_secs_f64() / length.as_secs_f64()).round().max(1.0);
    let width = time.as_secs_f64() / number;
    let mut counts = vec![0; number as usize];
    for Done { at, count } in done {
        let window = (at.as_secs_f64() / width) as usize;
        // An event at the very end belongs to the last window.
        counts[window.min(number as usize - 1)] += count;
    }
    counts.into_iter().map(|count| count as f64 / width).collect()
}

/// The point with the highest rate; the first of equals.
pub fn best<P>(points: &[P], rate: impl Fn(&P) -> f64) -> Option<&P> {
    points
        .iter()
        .rev()
        .max_by(|one, other| rate(one).total_cmp(&rate(other)))
}

/// Rounds to a tenth; more digits would only look exact.
pub fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(milliseconds: u64, count: usize) -> Done {
        Done {
            at: Duration::from_millis(milliseconds),
            count,
        }
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), 3.0);
        assert_eq!(median(&[7.0]), 7.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_window_counts_the_events_in_it() {
        let all = [done(100, 10), done(999, 10), done(1_001, 5), done(2_000, 1)];
        let rates = windows(&all, Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!(rates, [20.0, 6.0]);
    }

    #[test]
    fn a_time_that_is_no_multiple_of_the_length_is_cut_evenly() {
        let all = [done(500, 12), done(1_100, 12)];
        let rates = windows(&all, Duration::from_millis(1_200), Duration::from_millis(500));
        assert_eq!(rates.len(), 2);
        assert!(rates.iter().all(|rate| (rate - 20.0).abs() < 1e-9), "{rates:?}");
    }

    #[test]
    fn a_time_shorter_than_a_window_is_one_window() {
        let rates = windows(&[done(50, 3)], Duration::from_millis(100), Duration::from_secs(1));
        assert_eq!(rates.len(), 1);
        assert!((rates[0] - 30.0).abs() < 1e-9);
    }

    #[test]
    fn the_best_has_the_highest_rate_and_of_equals_is_the_first() {
        let points = [("a", 1.0), ("b", 3.0), ("c", 3.0), ("d", 2.0)];
        assert_eq!(best(&points, |point| point.1), Some(&("b", 3.0)));
        assert_eq!(best(&[] as &[f64], |rate| *rate), None);
    }
}
