//! How much is measured: a quick run is the full one with less of everything.

use std::time::Duration;

use crate::receiver::Lengths;

#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// `--sweep` of the raw programs.
    pub sweep: &'static str,
    /// Of each point of a sweep, in seconds.
    pub sweep_seconds: u32,
    /// Of a raw measurement at the best point, in seconds.
    pub ceiling_seconds: u32,
    pub receiver: Lengths,
    /// Deliveries of a backlog.
    pub backlog: usize,
    /// How often the worker drains each of its backlogs.
    pub drains: usize,
    /// How long the whole is kept at work, at its most and at half of it.
    pub whole: Duration,
    /// Notices drained into what is stored already.
    pub grown_by: usize,
    /// Notices that are stored then, with the key of the figure.
    pub stored: &'static [(usize, &'static str)],
    pub starts: usize,
    /// How long resident memory is looked at.
    pub staying: Option<Duration>,
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
        staying: None,
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
        staying: Some(Duration::from_secs(600)),
    };
}
