//! A receiver or a worker, as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Client;
use tokio::time::sleep;
use xiebao_testkit::{Metrics, Process};

use crate::usage::Usage;

/// The mark by which `scripts/bench` finds what is left of a run that was itself killed.
const MARK: &str = "XIEBAO_STARTED_AS";
const READY_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at whether it is ready: what start-up times are exact to.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Lines of a log that are shown when something went wrong.
const LAST_LINES: usize = 15;

#[derive(Debug)]
pub struct Service {
    process: Process,
    pub admin: SocketAddr,
    client: Client,
}

impl Service {
    /// Starts it, and does not wait.
    pub fn start(
        binary: &Path,
        admin: SocketAddr,
        mut settings: Vec<(String, String)>,
    ) -> anyhow::Result<Self> {
        settings.extend(std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name == MARK)?;
            Some((name, value.into_string().ok()?))
        }));
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

    /// Waits until it says that it is ready; how long that took from its start.
    pub async fn ready(&mut self) -> anyhow::Result<Duration> {
        let url = format!("http://{}/readyz", self.admin);
        loop {
            let answer = self.client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(self.process.age());
            }
            self.lives()?;
            ensure!(
                self.process.age() < READY_WITHIN,
                "{} is not ready:\n{}",
                self.process.name(),
                self.last_words()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// # Errors
    /// When it has ended, with the end of its log.
    pub fn lives(&mut self) -> anyhow::Result<()> {
        match self.process.has_ended() {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended ({status}):\n{}", self.process.name(), self.last_words()),
        }
    }

    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let metrics = Metrics::read(&self.client, self.admin).await;
        metrics.with_context(|| format!("{} does not say what it counts", self.process.name()))
    }

    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.id())
    }

    /// Asks it to end, as Kubernetes does, and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.terminate();
        let status = self.process.ended(END_WITHIN).await;
        ensure!(
            status.success(),
            "{} ended badly ({status}):\n{}",
            self.process.name(),
            self.last_words()
        );
        Ok(())
    }

    pub fn last_words(&self) -> String {
        let log = self.process.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}
