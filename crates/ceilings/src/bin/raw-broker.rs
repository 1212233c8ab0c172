//! `raw-broker`: how many notices the broker confirms a second, without the receiver.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_ceilings::{BrokerArgs, main as run_on_one_thread, run_broker};

fn main() -> ExitCode {
    let args = BrokerArgs::parse();
    run_on_one_thread("raw-broker", run_broker(args))
}
