//! `raw-database`: measures how many notices a second the database stores without the worker.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_ceilings::{DatabaseArgs, main as run_on_one_thread, run_database};

fn main() -> ExitCode {
    let args = DatabaseArgs::parse();
    run_on_one_thread("raw-database", run_database(args))
}
