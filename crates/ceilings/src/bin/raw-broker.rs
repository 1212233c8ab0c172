//! `raw-broker`: measures how many notices a second the broker confirms without the receiver.

use std::process::ExitCode;

use clap::Parser as _;
use xiebao_ceilings::{BrokerArgs, main as run_on_one_thread, run_broker};

fn main() -> ExitCode {
    let args = BrokerArgs::parse();
    run_on_one_thread("raw-broker", run_broker(args))
}
