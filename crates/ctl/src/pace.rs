//! A limit on how much is done per second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Hands out turns, evenly spread. Unused turns are lost.
#[derive(Debug)]
pub struct Pace {
    between: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// `rate`: turns per second. `None`: no limit.
    pub fn new(rate: Option<u32>) -> Self {
        Self {
            between: rate.map(|rate| Duration::from_secs(1) / rate.max(1)),
            next: Mutex::new(None),
        }
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        if let Some(between) = self.between {
            sleep_until(self.take(between)).await;
        }
    }

    fn take(&self, between: Duration) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Timers are no finer than a millisecond, so a turn may make up for so small a delay.
        let slack = Duration::from_millis(10);
        let turn = next.unwrap_or(now).max(now.checked_sub(slack).unwrap_or(now));
        *next = Some(turn + between);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fifty_turns(pace: &Pace) -> Duration {
        let started = Instant::now();
        for _ in 0..50 {
            pace.turn().await;
        }
        started.elapsed()
    }

    #[tokio::test]
    async fn turns_are_spread_evenly_and_lost_ones_are_not_made_up_for() {
        let pace = Pace::new(Some(500));
        assert!(fifty_turns(&pace).await >= Duration::from_millis(98));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(fifty_turns(&pace).await >= Duration::from_millis(85));
    }

    #[tokio::test]
    async fn without_a_rate_nobody_waits() {
        assert!(fifty_turns(&Pace::new(None)).await < Duration::from_millis(50));
    }
}
