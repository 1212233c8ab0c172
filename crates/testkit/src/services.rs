//! Where the tests' broker and database are.

use std::future::Future;
use std::process::Command;

use rand::distr::{Alphanumeric, SampleString as _};

/// The value of a variable that `scripts/services env` prints.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment tells tests where their services are"
)]
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; run: scripts/services up; eval \"$(scripts/services env)\"")
    })
}

/// The variable by which the scripts find leftover processes of a run that was killed.
const MARK: &str = "XIEBAO_STARTED_AS";

/// Removes the product's variables, so that the caller's environment does not configure the command. The mark of the
/// scripts stays.
pub fn without_product_variables(command: &mut Command) -> &mut Command {
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("XIEBAO") && name != MARK {
            command.env_remove(&variable);
        }
    }
    command
}

/// A name that no other test has.
pub(crate) fn unique_name() -> String {
    let suffix = Alphanumeric.sample_string(&mut rand::rng(), 16);
    format!("xb_{}", suffix.to_lowercase())
}

/// Runs a future to its end on a new thread, inside or outside of a runtime, because `drop` can't await.
pub(crate) fn block_on_new_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a small runtime").block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the work does not panic"))
}
