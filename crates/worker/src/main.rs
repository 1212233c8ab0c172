use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use xiebao_runtime::config::Needs;
use xiebao_runtime::service::Service;

// A quarter of the worker's time and more went into allocating and freeing: docs/adr/0063.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of each of the 128 buffers that the database client keeps, 4 MiB unless the environment says otherwise.
const BUFFER: (&str, &str) = ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "65536");

/// Begins again in this process with the setting, which the client reads from the environment alone.
fn bound_buffers() {
    if env::var_os(BUFFER.0).is_none()
        && let Ok(program) = env::current_exe()
    {
        // It returns only if it fails, and then the worker takes more memory.
        let _ = Command::new(program)
            .args(env::args_os().skip(1))
            .env(BUFFER.0, BUFFER.1)
            .exec();
    }
}

fn main() -> ExitCode {
    bound_buffers();
    let service = Service {
        name: "xiebao-worker",
        about: "Takes notices from the broker, de-duplicates and orders them, and applies them to the database",
        needs: Needs::WORKER,
    };
    service.main(xiebao_worker::run)
}
