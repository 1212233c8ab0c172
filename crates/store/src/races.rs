//! Repeats transactions that lose a race for a lock.

use std::time::Duration;

use tokio::time::Instant;

/// A lock that another session keeps costs ten seconds a try, so a few tries are enough.
const TRIES: usize = 5;

/// Conflicts at the commit, on a cluster whose nodes all take writes, come and go within milliseconds. They are retried
/// for this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Counts the lost races of one piece of work.
#[derive(Debug)]
pub struct Races {
    lost: usize,
    began: Instant,
}

impl Default for Races {
    fn default() -> Self {
        Self {
            lost: 0,
            began: Instant::now(),
        }
    }
}

impl Races {
    /// Call it after a conflict. Returns true, after a short pause, if the work should run again. The pause is random, so
    /// that the same rivals do not meet again.
    pub async fn again(&mut self) -> bool {
        self.lost += 1;
        if are_enough(self.lost, self.began.elapsed()) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..20))).await;
        true
    }
}

fn are_enough(lost: usize, elapsed: Duration) -> bool {
    lost >= TRIES && elapsed >= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_conflicts_are_retried_for_seconds_and_slow_ones_a_few_times() {
        assert!(!are_enough(400, Duration::from_secs(4)));
        assert!(are_enough(400, Duration::from_secs(5)));
        assert!(!are_enough(4, Duration::from_secs(40)));
        assert!(are_enough(5, Duration::from_secs(50)));
    }
}
