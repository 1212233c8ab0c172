//! Receivers and workers, started by this program only.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use xiebao_testkit::{signal, without_product_variables};

use crate::kind::Role;

/// A receiver or worker, through all its restarts.
#[derive(Debug)]
pub struct Program {
    pub name: String,
    pub role: Role,
    /// Its index among the programs of its role, from 0.
    pub which: usize,
    pub admin: SocketAddr,
    binary: PathBuf,
    settings: Vec<(String, String)>,
    log: PathBuf,
    incarnation: Mutex<Incarnation>,
}

#[derive(Debug)]
struct Incarnation {
    child: Child,
    /// It was killed, or asked to end.
    may_end: bool,
}

/// The start parameters of a program.
#[derive(Debug)]
pub struct ProgramConfig<'r> {
    pub role: Role,
    pub which: usize,
    pub admin: SocketAddr,
    pub binaries: &'r Path,
    pub logs: &'r Path,
    pub settings: Vec<(String, String)>,
}

impl Program {
    pub fn start(config: ProgramConfig<'_>) -> anyhow::Result<Self> {
        let kind = if config.role == Role::Receiver {
            "receiver"
        } else {
            "worker"
        };
        let name = format!("{kind}-{}", config.which + 1);
        let binary = config.binaries.join(format!("xiebao-{kind}"));
        let log = config.logs.join(format!("{name}.log"));
        let child = spawn(&binary, &config.settings, &log)?;
        Ok(Self {
            name,
            role: config.role,
            which: config.which,
            admin: config.admin,
            binary,
            settings: config.settings,
            log,
            incarnation: Mutex::new(Incarnation {
                child,
                may_end: false,
            }),
        })
    }

    pub fn kill(&self) -> anyhow::Result<()> {
        let mut incarnation = self.incarnation();
        incarnation.may_end = true;
        incarnation.child.kill()?;
        incarnation.child.wait()?;
        Ok(())
    }

    pub fn start_again(&self) -> anyhow::Result<()> {
        let child = spawn(&self.binary, &self.settings, &self.log)?;
        *self.incarnation() = Incarnation {
            child,
            may_end: false,
        };
        Ok(())
    }

    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        Ok(signal(self.incarnation().child.id(), name)?)
    }

    /// `None` if it runs, or was asked to end.
    pub fn ended_by_itself(&self) -> Option<ExitStatus> {
        let mut incarnation = self.incarnation();
        if incarnation.may_end {
            return None;
        }
        incarnation.child.try_wait().ok().flatten()
    }

    pub fn ask_to_end(&self) -> anyhow::Result<()> {
        self.incarnation().may_end = true;
        self.signal("TERM")
    }

    pub fn ended(&self) -> Option<ExitStatus> {
        self.incarnation().child.try_wait().ok().flatten()
    }

    /// The end of its log, over all its restarts.
    pub fn end_of_log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn incarnation(&self) -> MutexGuard<'_, Incarnation> {
        self.incarnation.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.kill();
    }
}

fn spawn(binary: &Path, settings: &[(String, String)], log: &Path) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(binary);
    without_product_variables(&mut command)
        .envs(settings.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command
        .spawn()
        .with_context(|| format!("{} can't be started", binary.display()))
}
