//! Logs, to standard error. What is never logged: keys, bodies, names of persons (`docs/logging.md`).

mod level;

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

pub(crate) use level::name as level_name;
pub use level::{LogLevel, State};

use crate::config::{LogConfig, LogFormat};

/// Starts logging for the whole process, whose name is given. A second call does nothing.
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
    // Only a logger that is there already can make this fail, and then it stays.
    if started.is_ok() {
        level::keep(LogLevel::new(process, config.level, handle));
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// What can be changed about the log of this process, once there is one.
pub fn log_level() -> Option<&'static LogLevel> {
    level::kept()
}

/// The product's own events at the wanted level, other crates' warnings, and nothing of the AMQP client: it writes
/// returned messages out in full, and what its errors mean is logged where they are handled.
fn filter(level: tracing::Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target("xiebao", level)
        .with_target("lapin", LevelFilter::OFF)
}

/// Where the program fell over. Its words only if they stand so in the source: others may hold what it was at.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    let words = panic.payload().downcast_ref::<&'static str>();
    tracing::error!(panic.place = place, panic.words = words, "a panic");
}
