//! Where the tests' broker and database are.

use std::future::Future;

use rand::distr::{Alphanumeric, SampleString as _};

/// The value of a variable that `scripts/services env` prints.
#[expect(
    clippy::disallowed_methods,
    reason = "tests learn from the environment where their services are"
)]
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; run: scripts/services up; eval \"$(scripts/services env)\"")
    })
}

/// A name that no other test has.
pub(crate) fn unique_name() -> String {
    format!(
        "xb_{}",
        Alphanumeric.sample_string(&mut rand::rng(), 16).to_lowercase()
    )
}

/// Runs to the end on a thread of its own, inside or outside of a runtime: for `Drop`.
pub(crate) fn run_apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a small runtime").block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the work does not panic"))
}
