//! `raw-http`: how many requests a second are answered when nothing is done about them, without the receiver.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_ceilings::{HttpArgs, main as run_on_one_thread, run_http};

fn main() -> ExitCode {
    let args = HttpArgs::parse();
    run_on_one_thread("raw-http", run_http(args))
}
