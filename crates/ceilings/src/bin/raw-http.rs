//! `raw-http`: answers requests without handling them, for the rate of HTTP without the receiver.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_ceilings::{HttpArgs, main as run_on_one_thread, run_http};

fn main() -> ExitCode {
    let args = HttpArgs::parse();
    run_on_one_thread("raw-http", run_http(args))
}
