//! Broker and database: killed and stopped by their process ids, restarted by `scripts/services up`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Command;
use tokio::time::timeout;
use xiebao_testkit::{signal, without_product_variables};

use crate::kind::Role;

/// A server on a busy machine starts slowly.
const UP_WITHIN: Duration = Duration::from_secs(180);

#[derive(Debug)]
pub struct Servers {
    script: PathBuf,
    state: PathBuf,
    /// Resumed on drop.
    stopped: Mutex<BTreeSet<u32>>,
}

impl Servers {
    pub fn new(script: &Path, state: &Path) -> Self {
        Self {
            script: script.to_owned(),
            state: state.to_owned(),
            stopped: Mutex::default(),
        }
    }

    pub fn kill(&self, role: Role) -> anyhow::Result<()> {
        Ok(signal(self.process(role)?, "KILL")?)
    }

    /// Kills a broker node; `node` is its Erlang name.
    pub fn kill_node(&self, node: &str) -> anyhow::Result<()> {
        let folders = ["rabbitmq", "rabbitmq-2", "rabbitmq-3"].map(|name| self.state.join(name));
        let home = folders
            .iter()
            .find(|folder| folder.join("mnesia").join(node).is_dir());
        let home = home.with_context(|| format!("no node is called {node}"))?;
        Ok(signal(process(&home.join("node.pid"))?, "KILL")?)
    }

    pub fn stop(&self, role: Role) -> anyhow::Result<u32> {
        let process = self.process(role)?;
        self.stopped().insert(process);
        signal(process, "STOP")?;
        Ok(process)
    }

    pub fn resume(&self, process: u32) -> anyhow::Result<()> {
        self.stopped().remove(&process);
        Ok(signal(process, "CONT")?)
    }

    /// Restarts the servers that are down, and waits until they answer.
    pub async fn up(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.script);
        without_product_variables(command.as_std_mut());
        let command = command.arg("up").env("XIEBAO_SERVICES_DIR", &self.state);
        let command = command.stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(UP_WITHIN, command.output())
            .await
            .context("the servers do not come up")??;
        if !output.status.success() {
            bail!(
                "the servers do not come up: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    fn process(&self, role: Role) -> anyhow::Result<u32> {
        let file = match role {
            Role::Broker => "rabbitmq/node.pid",
            Role::Database => "mariadb/server.pid",
            Role::Receiver | Role::Worker => bail!("{role:?} is no server"),
        };
        process(&self.state.join(file))
    }

    fn stopped(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for process in std::mem::take(&mut *self.stopped()) {
            // It may be gone.
            let _ = signal(process, "CONT");
        }
    }
}

fn process(file: &Path) -> anyhow::Result<u32> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    text.trim()
        .parse()
        .with_context(|| format!("{}: no process number", file.display()))
}
