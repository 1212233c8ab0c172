//! A worker inside the test's own process.

use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_testkit::free_address;

use super::{LOOK_EVERY, PATIENCE};

/// A running worker. Dropping it stops it at once, as if it were killed.
pub struct Running {
    /// The admin listener.
    pub admin: SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Starts a worker with these variables, and does not wait until it is ready.
    pub fn start(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let admin = free_address();
        let listen = ("XIEBAO__WORKER__ADMIN_LISTEN".to_owned(), admin.to_string());
        let environment = Environment::from_pairs(variables.into_iter().chain([listen]));
        let config = Config::load(None, &environment, Needs::WORKER).expect("a valid configuration");
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(xiebao_worker::run(config, shutdown.clone()));
        Self {
            admin,
            shutdown,
            ended,
        }
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.readiness().await.is_none_or(|(status, _)| status != 200) {
            assert!(!self.has_ended(), "the worker has ended");
            assert!(Instant::now() < deadline, "the worker is not ready");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Status and text of `/readyz`; `None` while it does not answer.
    pub async fn readiness(&self) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://{}/readyz", self.admin)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    /// Signals it to stop, and returns its result.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        let ended = timeout(PATIENCE, &mut self.ended).await;
        ended.expect("it ends in time").expect("it does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ended.abort();
    }
}
