//! Acknowledgements by the window in which they came.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Consecutive windows of equal length.
#[derive(Debug)]
pub struct Windows {
    from: Instant,
    length: Duration,
    counts: Vec<Cell<u64>>,
}

impl Windows {
    pub fn new(from: Instant, length: Duration, count: usize) -> Self {
        Self {
            from,
            length,
            counts: vec![Cell::new(0); count],
        }
    }

    /// The end of the last window.
    pub fn end(&self) -> Instant {
        self.from + self.length * self.counts.len() as u32
    }

    /// Counts an acknowledgement. Returns `false` if it came in no window.
    pub fn count(&self, at: Instant) -> bool {
        let Some(since) = at.checked_duration_since(self.from) else {
            return false;
        };
        let index = (since.as_nanos() / self.length.as_nanos().max(1)) as usize;
        let count = self.counts.get(index);
        count.inspect(|count| count.set(count.get() + 1)).is_some()
    }

    /// The rate of each window, a second.
    pub fn rates(&self) -> Vec<f64> {
        let seconds = self.length.as_secs_f64();
        let rates = self.counts.iter().map(|count| count.get() as f64 / seconds);
        rates.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_counts_in_its_window_and_outside_of_all_windows_nowhere() {
        let from = Instant::now() + Duration::from_secs(9);
        let windows = Windows::new(from, Duration::from_millis(500), 2);
        let at = |ms: u64| from + Duration::from_millis(ms);
        assert!(!windows.count(from - Duration::from_millis(1)));
        let counted = [0, 499, 500, 999, 1000].map(|ms| windows.count(at(ms)));
        assert_eq!(counted, [true, true, true, true, false]);
        windows.count(at(700));
        assert_eq!(windows.rates(), [4.0, 6.0]);
        assert_eq!(windows.end(), at(1000));
    }
}
