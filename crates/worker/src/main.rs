use std::process::ExitCode;

use xiebao_runtime::config::Needs;
use xiebao_runtime::service::Service;

// A third of the worker's time went into allocating and freeing, which this one does in half of it.
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
