//! `xiebao`, the operator's command line. One file per command holds its arguments and its `run`; questions, decisions and texts are in
//! `xiebao_desk`.

mod admin;
mod broker;
mod choice;
pub mod cli;
pub mod context;
mod database;
mod dead;
mod dead_discard;
mod dead_list;
mod dead_requeue;
mod dead_show;
mod doctor;
mod draft;
pub mod exit;
mod find;
mod held;
mod held_list;
mod held_release;
mod input;
mod log_level;
mod migrate;
mod notice;
mod operations;
mod output;
mod pace;
mod policies;
mod prune;
mod rebuild;
mod refused;
mod reprocess;
mod requeuer;
mod send;
mod services;
mod simulate;
mod status;
mod stuck;
mod trace;
mod verify;
mod when;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use exit::Failure;
use output::{complain, written};

/// The program: reads the arguments, runs the command, says what failed.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return instead(&error),
    };
    let context = cli.context();
    // One thread does for every command, and leaves the other processors to the services on the same machine.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::Refused(error.to_string())),
    };
    match runtime.block_on(cli.command.run(&context)) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure),
    }
}

/// Shows the help or the version, or says what is wrong with the arguments.
fn instead(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| std::io::stdout().flush());
    match written(printed) {
        Err(failure) if !error.use_stderr() => report(&failure),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

fn report(failure: &Failure) -> ExitCode {
    for line in failure.to_string().lines() {
        complain(&format!("xiebao: {line}\n"));
    }
    failure.exit_code()
}
