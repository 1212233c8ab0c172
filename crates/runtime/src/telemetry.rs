//! Logs to standard error. Keys, bodies and names of persons are never logged (`docs/logging.md`).

mod level;

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

pub(crate) use level::name as level_name;
pub use level::{LogLevel, LogLevelState};

use crate::config::{LogConfig, LogFormat};

/// Starts logging for the whole process. A second call does nothing.
pub fn init(process: &'static str, config: LogConfig) {
    let (filter, handle) = reload::Layer::new(filter(config.level));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry
            .with(layer.with_ansi(std::io::stderr().is_terminal()))
            .try_init(),
    };
    // It fails only if a logger is already installed, which then stays.
    if started.is_ok() {
        level::keep(LogLevel::new(process, config.level, handle));
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// The changeable level of this process's log; `None` before [`init`].
pub fn log_level() -> Option<&'static LogLevel> {
    level::kept()
}

/// The product's own events at `level`, other crates' warnings, and nothing of the AMQP client: it logs returned messages
/// in full, and its errors are logged where they are handled.
fn filter(level: tracing::Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target("xiebao", level)
        .with_target("lapin", LevelFilter::OFF)
}

/// Logs the place of a panic, and its message only if that is a constant: a formatted one may contain data of a notice.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    let message = panic.payload().downcast_ref::<&'static str>();
    tracing::error!(panic.place = place, panic.words = message, "a panic");
}
