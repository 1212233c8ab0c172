use std::process::ExitCode;

use xiebao_runtime::config::Needs;
use xiebao_runtime::service::Service;

// A quarter of the worker's time and more went into allocating and freeing: docs/adr/0063.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let service = Service {
        name: "xiebao-worker",
        about: "Takes notices from the broker, de-duplicates and orders them, and applies them to the database",
        needs: Needs::WORKER,
    };
    service.main(xiebao_worker::run)
}
