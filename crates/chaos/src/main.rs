//! `xiebao-chaos`: injects faults under load, and checks that no notice is lost. Started by `scripts/chaos`.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_chaos::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xiebao-chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}
