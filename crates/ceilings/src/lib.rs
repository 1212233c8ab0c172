//! Measures broker, database and HTTP alone: the ceilings that `xiebao-bench` compares receiver and worker with.
//! Shares no code with the services, so that an inefficiency of theirs can't hide in the ceiling.
//!
//! `http` acknowledges requests and does nothing else. `broker` publishes notices with confirms, as fast as the
//! broker accepts them. `database` inserts rows that a worker has written before, as fast as the database accepts
//! them. The latter two try several shapes of load (`measure`), print each result, and report the best. Durability is
//! left as the servers configure it.

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

/// Runs a program on one thread, beside lapin's own thread for each connection. In alternating runs on two cores a
/// runtime with two threads was faster only once in three runs: the program takes a sixth of the machine, and the
/// broker the rest.
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
