//! Kills, stops and cuts off receivers, workers, broker and database under the load of `xiebao simulate`, by a plan
//! drawn from a seed, and holds what is in the database against what was acknowledged.
//!
//! `plan` says what happens when, `stage` is what it happens to, `strike` does it, `watch` sees who is ready meanwhile,
//! `load` is the platform, `ending` what must be true in the end, and `record` what is told of it all. `cluster` is the
//! other play: the leader of a broker cluster dies again and again.

mod args;
mod cluster;
mod ending;
mod kind;
mod load;
mod metrics;
mod plan;
mod play;
mod programs;
mod record;
mod servers;
mod stage;
mod strike;
mod watch;
mod wires;

pub use args::Args;
pub use play::run;
