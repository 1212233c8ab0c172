//! `xiebao`, the operator's command line. One file a command: its arguments, and `run`.

mod admin;
pub mod cli;
pub mod context;
pub mod database;
pub mod dead;
pub mod doctor;
pub mod exit;
pub mod find;
pub mod held;
pub mod input;
pub mod log_level;
pub mod migrate;
pub mod notice;
pub mod operations;
pub mod prune;
pub mod rebuild;
pub mod refused;
pub mod reprocess;
pub mod screen;
pub mod send;
pub mod simulate;
pub mod status;
pub mod stuck;
pub mod trace;
pub mod verify;
pub mod when;
pub mod words;

use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use exit::Failure;

/// The program: reads the arguments, runs the command, says what failed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = cli.context();
    // One thread does for every command, and leaves the other processors to the services on the same machine.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("xiebao: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli.command.run(&context)) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    for line in failure.to_string().lines() {
        eprintln!("xiebao: {line}");
    }
    failure.exit_code()
}
