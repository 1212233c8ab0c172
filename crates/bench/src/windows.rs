//! Rates in several windows, whose median stands for all.

/// A sample of a counter: seconds since the start, and the count.
pub type Sample = (f64, f64);

/// The share of a count that passes before the first window begins: connections are opened then, and caches filled.
const WARM_UP: f64 = 0.05;

/// The smallest value that at least this share (0 to 1) of the sorted values does not exceed.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(at.saturating_sub(1).min(sorted.len().checked_sub(1)?))
        .copied()
}

/// The rates, a second, in this many windows of equal length between warm-up and end.
pub fn rates(samples: &[Sample], windows: usize) -> Vec<f64> {
    let (Some((_, first)), Some((end, last))) = (samples.first(), samples.last()) else {
        return Vec::new();
    };
    let warm = first + (last - first) * WARM_UP;
    let begin = samples
        .iter()
        .find(|(_, count)| *count >= warm)
        .map_or(0.0, |(at, _)| *at);
    let length = (end - begin) / windows as f64;
    if length <= 0.0 {
        return Vec::new();
    }
    let edge = |n: usize| count_at(samples, begin + length * n as f64);
    (0..windows).map(|n| (edge(n + 1) - edge(n)) / length).collect()
}

/// Interpolates linearly between two samples.
fn count_at(samples: &[Sample], time: f64) -> f64 {
    let after = samples.partition_point(|(at, _)| *at < time);
    match (
        after.checked_sub(1).map(|before| samples[before]),
        samples.get(after),
    ) {
        (Some((t0, c0)), Some((t1, c1))) => c0 + (c1 - c0) * (time - t0) / (t1 - t0),
        (Some((_, count)), None) => count,
        (None, Some((_, count))) => *count,
        (None, None) => 0.0,
    }
}

/// Rates for a line of output.
pub fn listed(rates: &[f64]) -> String {
    let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
    rates.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&sorted, 0.5), Some(100.0));
        assert_eq!(percentile(&sorted, 0.99), Some(198.0));
        assert_eq!(percentile(&sorted, 1.0), Some(200.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_steady_counter_has_the_same_rate_in_every_window() {
        let samples: Vec<Sample> = (0..=100)
            .map(|n| (f64::from(n) / 10.0, f64::from(n) * 50.0))
            .collect();
        for rate in rates(&samples, 5) {
            assert!((rate - 500.0).abs() < 1e-6, "{rate}");
        }
    }

    #[test]
    fn a_stall_is_seen_in_its_window_only() {
        // Nothing for two of twelve seconds.
        let samples = [(0.0, 0.0), (5.0, 5_000.0), (7.0, 5_000.0), (12.0, 10_000.0)];
        let rates = rates(&samples, 5);
        assert_eq!(rates.len(), 5);
        assert!(rates.iter().any(|rate| *rate < 500.0), "{rates:?}");
    }

    #[test]
    fn a_slow_start_is_no_part_of_any_window() {
        let samples = [
            (0.0, 0.0),
            (3.0, 0.0),
            (3.5, 500.0),
            (12.5, 9_500.0),
            (13.0, 10_000.0),
        ];
        assert!(
            rates(&samples, 5)
                .iter()
                .all(|rate| (*rate - 1_000.0).abs() < 1e-6)
        );
    }
}
