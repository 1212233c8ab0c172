//! The times at which the notices of an open loop are due.

use std::io;
use std::sync::Weak;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::sync::Semaphore;

/// Notices at a constant rate from now on.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Instant,
    /// Notices a second.
    rate: f64,
    /// The first notice after the warm-up.
    pub first: u64,
    /// The number of notices, with those of the warm-up.
    pub end: u64,
}

impl Schedule {
    pub fn new(rate: f64, warm_up: Duration, duration: Duration) -> anyhow::Result<Self> {
        ensure!(rate.is_finite() && rate > 0.0, "{rate} is not a rate");
        let first = (warm_up.as_secs_f64() * rate) as u64;
        let count = (duration.as_secs_f64() * rate).max(1.0) as u64;
        Ok(Self {
            start: Instant::now(),
            rate,
            first,
            end: first + count,
        })
    }

    /// The time at which the notice with this number, from 0, is due.
    pub fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// Adds a permit whenever a notice is due, until the semaphore is closed or dropped. This needs a thread, because
    /// tokio's timers have a resolution of a millisecond: at 2,000 a second they would release two notices at a time.
    pub fn release(self, permits: Weak<Semaphore>) -> io::Result<()> {
        let run = move || {
            for number in 0..self.end {
                std::thread::sleep(self.due(number).saturating_duration_since(Instant::now()));
                match permits.upgrade() {
                    Some(permits) if !permits.is_closed() => permits.add_permits(1),
                    _ => return,
                }
            }
        };
        std::thread::Builder::new()
            .name("schedule".to_owned())
            .spawn(run)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_permit_comes_when_its_notice_is_due_and_none_is_lost() {
        let permits = Arc::new(Semaphore::new(0));
        let schedule = Schedule::new(1_000.0, Duration::ZERO, Duration::from_millis(50)).expect("a rate");
        assert_eq!((schedule.first, schedule.end), (0, 50));
        assert_eq!(schedule.due(999) - schedule.due(0), Duration::from_millis(999));
        schedule.release(Arc::downgrade(&permits)).expect("a thread");
        while permits.available_permits() < 50 {
            let released = permits.available_permits() as u64;
            if let Some(last) = released.checked_sub(1) {
                assert!(schedule.due(last) <= Instant::now(), "permit {released} is early");
            }
        }
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                Schedule::new(rate, Duration::ZERO, Duration::ZERO).is_err(),
                "{rate}"
            );
        }
    }
}
