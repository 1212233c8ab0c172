//! Logs, to standard error. What is never logged: keys, bodies, names of persons (`docs/logging.md`).

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::config::{LogConfig, LogFormat};

/// Starts logging for the whole process. A second call does nothing.
pub fn init(config: LogConfig) {
    let registry = tracing_subscriber::registry().with(filter(config));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Only a logger that is there already can make this fail, and then it stays.
    let _ = match config.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry
            .with(layer.with_ansi(std::io::stderr().is_terminal()))
            .try_init(),
    };
}

/// The product's own events at the wanted level, other crates' warnings, and nothing of the AMQP client: it writes
/// returned messages out in full, and what its errors mean is logged where they are handled.
fn filter(config: LogConfig) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(config.level)))
        .with_target("xiebao", config.level)
        .with_target("lapin", LevelFilter::OFF)
}
