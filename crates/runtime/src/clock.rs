//! The only module that reads the time of day. Everything else takes the time as a parameter.

use chrono::{DateTime, Utc};

/// The current time in UTC, with the system's precision.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
