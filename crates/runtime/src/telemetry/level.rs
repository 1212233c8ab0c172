//! The level of the log, changed while the process runs.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tracing::Level;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::reload::Handle;

use super::filter;

static KEPT: OnceLock<LogLevel> = OnceLock::new();

/// The level in force, and the one that the configuration wants. To change it is to have every place in the program that
/// logs ask anew whether it is to; between changes a disabled event costs one comparison, as ever.
#[derive(Debug)]
pub struct LogLevel {
    process: &'static str,
    configured: Level,
    now: Mutex<Now>,
    handle: Handle<Targets, Registry>,
}

#[derive(Debug, Clone, Copy)]
struct Now {
    level: Level,
    until: Option<DateTime<Utc>>,
    /// Counts the changes, so that the end of one does not undo a later one.
    change: u64,
}

/// What is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub process: &'static str,
    pub level: Level,
    pub configured: Level,
    /// When the configured level returns by itself.
    pub until: Option<DateTime<Utc>>,
}

pub(super) fn keep(level: LogLevel) {
    // There is one logger, hence one of these.
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
            now: Mutex::new(Now {
                level: configured,
                until: None,
                change: 0,
            }),
            handle,
        }
    }

    pub fn state(&self) -> State {
        let now = self.now();
        State {
            process: self.process,
            level: now.level,
            configured: self.configured,
            until: now.until,
        }
    }

    /// Puts a level in force. `until`: when the caller means to [`return`](Self::return_from) to the configured one. The
    /// result names the change.
    pub fn change(&self, level: Level, until: Option<DateTime<Utc>>) -> u64 {
        let mut now = self.now();
        let change = now.change + 1;
        self.put(&mut now, Now { level, until, change });
        change
    }

    /// Puts the configured level in force again, unless there was another change after that one.
    pub fn return_from(&self, change: u64) {
        let mut now = self.now();
        if now.change == change {
            let level = self.configured;
            self.put(
                &mut now,
                Now {
                    level,
                    until: None,
                    change: change + 1,
                },
            );
        }
    }

    /// Said while the one of the two levels is in force that lets more through.
    fn put(&self, now: &mut Now, new: Now) {
        let old = std::mem::replace(now, new);
        let say = || {
            let until = new.until.map(|until| until.to_rfc3339());
            tracing::warn!(
                log.level = name(new.level),
                log.level_before = name(old.level),
                log.until = until,
                "log level changed"
            );
        };
        if new.level < old.level {
            say();
        }
        // It fails only where there is no logger any more.
        let _ = self.handle.reload(filter(new.level));
        if new.level >= old.level {
            say();
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As it is configured.
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
