//! Tells a fault of the work from a fault of the database, whatever the server says.
//!
//! A statement that the server cannot take may end its connection or get no answer, just as in an outage. Rehearsals around
//! the failure tell the two apart.

use std::time::Duration;

use xiebao_store::{Store, StoreError};

use crate::probe;

/// Rehearsals in a row that must succeed on each side of a failure.
const REHEARSALS: usize = 2;
/// Failures between successful rehearsals that prove a fault of indivisible work. An unsteady database would have to fail
/// at exactly these moments and at no other.
const FAILURES: usize = 2;
/// A failure that took longer needs no second one, which would hold up the lane as long again.
const SLOW: Duration = Duration::from_secs(10);

/// The cause of a failure, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The work: repeating it does not help.
    Work,
    /// Perhaps the work. The database works, so the work can be repeated at once.
    Unproven,
    /// The database: wait for it.
    Database,
}

/// The evidence against one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    /// The database worked just before the coming attempt.
    worked_before: bool,
    failures: usize,
}

impl Blame {
    /// Examines a failed attempt that took this long. The parts of divisible work are tried next, so it is blamed sooner.
    pub async fn examine(
        &mut self,
        store: &Store,
        error: &StoreError,
        took: Duration,
        divisible: bool,
    ) -> Cause {
        if error.may_be_permanent() {
            return match probe::succeeds(store).await {
                true => Cause::Work,
                false => Cause::Database,
            };
        }
        if !error.is_lost_answer() {
            return Cause::Database;
        }
        let works = works(store).await;
        self.judge(works, divisible || took >= SLOW)
    }

    fn judge(&mut self, works: bool, once_is_enough: bool) -> Cause {
        let worked_before = std::mem::replace(&mut self.worked_before, works);
        if !works {
            self.failures = 0;
            return Cause::Database;
        }
        self.failures += usize::from(worked_before);
        match once_is_enough || self.failures >= FAILURES {
            true => Cause::Work,
            false => Cause::Unproven,
        }
    }
}

async fn works(store: &Store) -> bool {
    for _ in 0..REHEARSALS {
        if !probe::is_there(store).await || !probe::commits(store).await {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indivisible_work_is_blamed_after_two_failures_between_rehearsals_that_succeed() {
        let mut blame = Blame::default();
        let causes = [(); 3].map(|()| blame.judge(true, false));
        assert_eq!(causes, [Cause::Unproven, Cause::Unproven, Cause::Work]);
    }

    #[test]
    fn a_rehearsal_that_fails_clears_the_work_of_earlier_suspicion() {
        let mut blame = Blame::default();
        for _ in 0..10 {
            assert_eq!(blame.judge(true, false), Cause::Unproven);
            assert_eq!(blame.judge(true, false), Cause::Unproven);
            assert_eq!(blame.judge(false, false), Cause::Database);
        }
        assert_eq!(blame.judge(false, true), Cause::Database);
    }

    #[test]
    fn divisible_and_slow_work_is_blamed_at_once_if_the_database_works() {
        assert_eq!(Blame::default().judge(true, true), Cause::Work);
    }
}
