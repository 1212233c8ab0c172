//! `xiebao-bench`: measures the services, and the ceilings that broker and database set. Started by `scripts/bench`.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_bench::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xiebao-bench: {error:#}");
            ExitCode::from(3)
        }
    }
}
