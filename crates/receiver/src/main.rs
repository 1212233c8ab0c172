//! `xiebao-receiver`: verify, publish with confirms, acknowledge.

use std::process::ExitCode;

use xiebao_runtime::config::Needs;
use xiebao_runtime::service::Service;

fn main() -> ExitCode {
    let service = Service {
        name: "xiebao-receiver",
        about: "Takes the platform's notices over HTTP and acknowledges each once the broker has stored it",
        needs: Needs::RECEIVER,
    };
    service.main(xiebao_receiver::serve)
}
