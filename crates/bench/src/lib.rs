//! Measures receiver and worker, and in the same run what broker and database do without them.
//!
//! `play` is the order of things; `stage` is a fresh database and vhost with services on it, `backlog` what is sent,
//! `judge` holds the rows against the stories afterwards. Each scenario is a file: `receiving` (raw broker and receiver
//! in turn), `draining` (worker and raw database in turn), `whole`, `growth`, `starting`, `staying`. `figures` collects
//! what they find, `report` shows it.

mod args;
mod backlog;
mod ceilings;
mod drain;
mod draining;
mod extent;
mod figures;
mod growth;
mod judge;
mod lag;
pub mod load;
mod machine;
mod median;
mod play;
pub mod receiver;
mod receiving;
pub mod report;
mod service;
mod stage;
mod starting;
mod staying;
pub mod usage;
mod whole;
mod windows;

pub use args::Args;
pub use median::median;
pub use play::run;
