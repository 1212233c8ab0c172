//! Counts answers and how long they took.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Longer than any answer is waited for, in microseconds.
const LONGEST_US: u64 = 600_000_000;
/// Three figures are right: 0.1 % of the value.
const FIGURES: u8 = 3;

/// A distribution of times.
#[derive(Clone)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, FIGURES).expect("bounds that fit together"))
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Latency({} times)", self.0.len())
    }
}

impl Latency {
    pub fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros.max(1));
    }

    /// The time in milliseconds that this share (0 to 1) of all did not exceed; 0 without any.
    pub fn ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1_000.0
    }
}

/// What all connections of a load share. They live on one thread.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: Cell<u64>,
    pub refused: Cell<u64>,
    pub latency: RefCell<Latency>,
}

impl Tally {
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    pub fn count(&self, acknowledged: bool) {
        let counter = if acknowledged {
            &self.answered
        } else {
            &self.refused
        };
        counter.set(counter.get() + 1);
    }

    /// All answers, of whatever kind.
    pub fn answers(&self) -> u64 {
        self.answered.get() + self.refused.get()
    }
}

/// Answers by the window in which they came.
#[derive(Debug)]
pub struct Windows {
    from: Instant,
    length: Duration,
    counts: RefCell<Vec<u64>>,
}

impl Windows {
    pub fn new(from: Instant, length: Duration, count: usize) -> Rc<Self> {
        Rc::new(Self {
            from,
            length,
            counts: RefCell::new(vec![0; count]),
        })
    }

    pub fn end(&self) -> Instant {
        self.from + self.length * self.counts.borrow().len() as u32
    }

    /// Whether the answer came within a window.
    pub fn count(&self, at: Instant) -> bool {
        let Some(since) = at.checked_duration_since(self.from) else {
            return false;
        };
        let index = (since.as_nanos() / self.length.as_nanos().max(1)) as usize;
        match self.counts.borrow_mut().get_mut(index) {
            Some(count) => *count += 1,
            None => return false,
        }
        true
    }

    /// Answers a second.
    pub fn rates(&self) -> Vec<f64> {
        let seconds = self.length.as_secs_f64();
        self.counts
            .borrow()
            .iter()
            .map(|count| *count as f64 / seconds)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_within_a_window_counts_and_in_its_own() {
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

    #[test]
    fn percentiles_are_milliseconds() {
        let mut latency = Latency::default();
        (1..=1000).for_each(|ms| latency.record(Duration::from_millis(ms)));
        assert!((latency.ms(0.5) - 500.0).abs() < 1.0, "{}", latency.ms(0.5));
        assert!((latency.ms(0.99) - 990.0).abs() < 1.0, "{}", latency.ms(0.99));
    }
}
