//! Measures receiver and worker, and in the same run what broker and database do without them.
//!
//! `play` runs the parts in order. `environment` is a fresh database and vhost with services on it, `backlog` the
//! notices to send, `judge` the check of the rows afterwards. Each part is a file: `receiver` (raw broker and
//! receiver in turn), `draining` (worker and raw database in turn), `whole`, `growth`, `startup`, `memory`. `figures`
//! collects the figures, `report` prints them.

mod args;
mod backlog;
mod ceilings;
mod drain;
mod draining;
mod environment;
mod extent;
mod figures;
mod growth;
mod judge;
mod lag;
mod load;
mod machine;
mod median;
mod memory;
mod play;
mod receiver;
mod report;
mod service;
mod startup;
mod usage;
mod whole;
mod windows;

pub use args::Args;
use median::median;
pub use play::run;
