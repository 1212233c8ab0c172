//! The extent of a run: a quick run is a full run with less of everything.

use std::time::Duration;

use crate::receiver::Lengths;

#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// `--sweep` of the raw programs.
    pub sweep: &'static str,
    /// Seconds for each point of a sweep.
    pub sweep_seconds: u32,
    /// Seconds of a raw measurement at the best point.
    pub ceiling_seconds: u32,
    pub receiver: Lengths,
    /// Deliveries of a backlog.
    pub backlog: usize,
    /// How often the worker drains each of its backlogs.
    pub drains: usize,
    /// The duration of the whole at its highest rate, and again at half of it.
    pub whole: Duration,
    /// Notices drained into a database that holds others.
    pub grown_by: usize,
    /// The number of stored notices, with the key of the figure.
    pub stored: &'static [(usize, &'static str)],
    pub starts: usize,
    /// The duration of the memory measurement.
    pub memory: Option<Duration>,
}

impl Extent {
    pub const QUICK: Self = Self {
        sweep: "quick",
        sweep_seconds: 1,
        ceiling_seconds: 2,
        receiver: Lengths {
            rounds: 3,
            warm_up: Duration::from_millis(500),
            window: Duration::from_millis(700),
            windows: 3,
            fixed: Duration::from_secs(2),
        },
        backlog: 50_000,
        drains: 1,
        whole: Duration::from_secs(15),
        grown_by: 20_000,
        stored: &[],
        starts: 5,
        memory: None,
    };
    pub const FULL: Self = Self {
        sweep: "full",
        sweep_seconds: 3,
        ceiling_seconds: 8,
        receiver: Lengths {
            rounds: 5,
            warm_up: Duration::from_secs(1),
            window: Duration::from_secs(2),
            windows: 5,
            fixed: Duration::from_secs(6),
        },
        backlog: 200_000,
        drains: 3,
        whole: Duration::from_secs(60),
        grown_by: 50_000,
        stored: &[(1_000_000, "drain_rate_1m"), (5_000_000, "drain_rate_5m")],
        starts: 5,
        memory: Some(Duration::from_secs(600)),
    };
}
