//! Delays between attempts.

use std::time::Duration;

/// Delays that double up to a bound, each drawn at random from the upper half, so that many clients don't come back
/// at the same moment.
#[derive(Debug, Clone)]
pub struct Pacing {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pacing {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    pub fn start_over(&mut self) {
        self.next = self.first;
    }

    pub async fn pause(&mut self) {
        tokio::time::sleep(self.delay(rand::random())).await;
    }

    /// The next delay. `draw`: from 0, the shortest that it may be, to 1, the longest.
    pub fn delay(&mut self, draw: f64) -> Duration {
        let delay = self.next.mul_f64(0.5 + draw.clamp(0.0, 1.0) / 2.0);
        self.next = (self.next * 2).min(self.longest);
        delay
    }
}
