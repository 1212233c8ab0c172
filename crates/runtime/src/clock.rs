//! The only reader of the clock. Everything further in takes the time as a parameter.

use chrono::{DateTime, Utc};

/// The time now, UTC, as precise as the system has it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
