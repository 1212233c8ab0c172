//! A receiver or a worker, as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Client;
use tokio::time::sleep;
use xiebao_testkit::{Metrics, Process};

use crate::usage::Usage;

const READY_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at its readiness: the resolution of start-up times.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The number of lines of a log that an error shows.
const LAST_LINES: usize = 15;

#[derive(Debug)]
pub struct Service {
    process: Process,
    pub admin: SocketAddr,
    client: Client,
}

impl Service {
    /// Starts the program, and does not wait.
    pub fn start(binary: &Path, admin: SocketAddr, settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        let process = Process::start(binary, &[], settings)
            .with_context(|| format!("{} can't be started", binary.display()))?;
        Ok(Self {
            process,
            admin,
            client: Client::new(),
        })
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it is ready, and returns the time since its start.
    pub async fn ready(&mut self) -> anyhow::Result<Duration> {
        let url = format!("http://{}/readyz", self.admin);
        loop {
            let answer = self.client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(self.process.age());
            }
            self.ensure_running()?;
            ensure!(
                self.process.age() < READY_WITHIN,
                "{} is not ready:\n{}",
                self.process.name(),
                self.end_of_log()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// Checks that it runs.
    ///
    /// # Errors
    /// If it has ended, with the end of its log.
    pub fn ensure_running(&mut self) -> anyhow::Result<()> {
        match self.process.has_ended() {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended ({status}):\n{}", self.process.name(), self.end_of_log()),
        }
    }

    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let metrics = Metrics::read(&self.client, self.admin).await;
        metrics.with_context(|| format!("{} has no metrics", self.process.name()))
    }

    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.id())
    }

    /// Sends SIGTERM, as Kubernetes does, and waits until it has ended.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.terminate();
        let status = self.process.ended(END_WITHIN).await;
        ensure!(
            status.success(),
            "{} failed at shutdown ({status}):\n{}",
            self.process.name(),
            self.end_of_log()
        );
        Ok(())
    }

    pub fn end_of_log(&self) -> String {
        let log = self.process.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}
