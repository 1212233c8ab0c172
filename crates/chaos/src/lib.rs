//! Kills, stops and cuts off receivers, workers, broker and database under the load of `xiebao simulate`, by a plan
//! drawn from a seed. Then compares the database with the acknowledged notices.
//!
//! `plan` decides which faults come when, `environment` holds everything that takes part, `inject` injects the
//! faults, and `watch` polls readiness meanwhile. `load` plays the platform, `final_checks` looks at the end state,
//! and `record` reports. `cluster` replaces the plan: it kills the leader of a broker cluster again and again.

mod args;
mod cluster;
mod environment;
mod final_checks;
mod inject;
mod kind;
mod load;
mod metrics;
mod plan;
mod play;
mod programs;
mod proxies;
mod record;
mod servers;
mod watch;

pub use args::Args;
pub use play::run;
