//! The log level, which can change while the process runs.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tracing::Level;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::reload::Handle;

use super::filter;

static KEPT: OnceLock<LogLevel> = OnceLock::new();

/// The level in force and the configured one. A change makes every log statement re-evaluate whether it is enabled; between
/// changes a disabled one costs a comparison.
#[derive(Debug)]
pub struct LogLevel {
    process: &'static str,
    configured: Level,
    in_force: Mutex<InForce>,
    handle: Handle<Targets, Registry>,
}

#[derive(Debug, Clone, Copy)]
struct InForce {
    level: Level,
    until: Option<DateTime<Utc>>,
    /// The number of changes so far, so that the end of one does not undo a later one.
    change: u64,
}

/// The state of the log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevelState {
    /// The name of the service.
    pub process: &'static str,
    /// The level in force.
    pub level: Level,
    /// The level of the configuration.
    pub configured: Level,
    /// The time at which the configured level returns by itself.
    pub until: Option<DateTime<Utc>>,
}

pub(super) fn keep(level: LogLevel) {
    // There is one logger, and so one level.
    let _ = KEPT.set(level);
}

pub(super) fn kept() -> Option<&'static LogLevel> {
    KEPT.get()
}

impl LogLevel {
    pub(super) fn new(process: &'static str, configured: Level, handle: Handle<Targets, Registry>) -> Self {
        Self {
            process,
            configured,
            in_force: Mutex::new(InForce {
                level: configured,
                until: None,
                change: 0,
            }),
            handle,
        }
    }

    /// The current state.
    pub fn state(&self) -> LogLevelState {
        let now = self.in_force();
        LogLevelState {
            process: self.process,
            level: now.level,
            configured: self.configured,
            until: now.until,
        }
    }

    /// Sets the level, and returns the number of this change. `until` is the time at which the caller is going to
    /// [`return`](Self::return_from) to the configured level; it is only shown.
    pub fn change(&self, level: Level, until: Option<DateTime<Utc>>) -> u64 {
        let mut now = self.in_force();
        let change = now.change + 1;
        self.set(&mut now, InForce { level, until, change });
        change
    }

    /// Returns to the configured level, unless another change followed this one.
    pub fn return_from(&self, change: u64) {
        let mut now = self.in_force();
        if now.change == change {
            let level = self.configured;
            self.set(
                &mut now,
                InForce {
                    level,
                    until: None,
                    change: change + 1,
                },
            );
        }
    }

    /// Sets the level. The change is logged under the more verbose of the two levels.
    fn set(&self, now: &mut InForce, new: InForce) {
        let old = std::mem::replace(now, new);
        let log_change = || {
            let until = new.until.map(|until| until.to_rfc3339());
            tracing::warn!(
                log.level = name(new.level),
                log.level_before = name(old.level),
                log.until = until,
                "log level changed"
            );
        };
        if new.level < old.level {
            log_change();
        }
        // It fails only if the logger is gone.
        let _ = self.handle.reload(filter(new.level));
        if new.level >= old.level {
            log_change();
        }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a level, as in the configuration.
pub(crate) const fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::reload;

    use super::*;

    #[test]
    fn a_level_is_changed_and_the_end_of_an_earlier_change_does_not_undo_a_later_one() {
        let (layer, handle) = reload::Layer::new(filter(Level::INFO));
        let level = LogLevel::new("test", Level::INFO, handle);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let debug = || tracing::enabled!(target: "xiebao_test", Level::DEBUG);
            let others = || tracing::enabled!(target: "other_crate", Level::INFO);
            assert!(!debug() && !others());
            let first = level.change(Level::DEBUG, None);
            assert!(debug() && !others());
            let second = level.change(Level::TRACE, None);
            level.return_from(first);
            assert!(debug());
            assert_eq!(level.state().level, Level::TRACE);
            level.return_from(second);
            assert!(!debug());
            assert_eq!(level.state().level, Level::INFO);
        });
    }
}
