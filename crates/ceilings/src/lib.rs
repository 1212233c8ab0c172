//! What the broker and the database do by themselves: the ceilings that the receiver and the worker are held against.
//! Shares no code with them, so that a slow way of theirs can't hide in what it is compared with.
//!
//! `http` acknowledges requests and does nothing else. `broker` publishes notices with confirms, as many as go through;
//! `database` writes rows that a worker has written before, as fast as they go in. These two try several shapes of load (`measure`), print what each gave, and report the
//! best. Durability is the servers' own: nothing here loosens it.

mod broker;
mod database;
mod failure;
mod http;
mod measure;
mod signals;

pub use broker::{Args as BrokerArgs, run as run_broker};
pub use database::{Args as DatabaseArgs, run as run_database};
pub use failure::Failure;
pub use http::{Args as HttpArgs, run as run_http};

use std::process::ExitCode;

/// Runs a program on one thread, beside lapin's own for each connection. In alternating runs on two cores a runtime of
/// two threads was faster in one of three only: the program takes a sixth of the machine, and the broker the rest.
pub fn main(name: &str, program: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime
        .map_err(|e| Failure::Broken(format!("no runtime: {e}")))
        .and_then(|runtime| runtime.block_on(program));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            failure.exit_code()
        }
    }
}
