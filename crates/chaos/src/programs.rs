//! Receivers and workers, started by this program and by nobody else.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use xiebao_testkit::signal;

use crate::kind::Role;

/// The mark by which `scripts/chaos` finds what is left of a run that was itself killed.
const MARK: &str = "XIEBAO_STARTED_AS";

/// One receiver or worker through all its lives.
#[derive(Debug)]
pub struct Program {
    pub name: String,
    pub role: Role,
    /// Among those of its role, from 0 on.
    pub which: usize,
    pub admin: SocketAddr,
    binary: PathBuf,
    settings: Vec<(String, String)>,
    log: PathBuf,
    body: Mutex<Body>,
}

#[derive(Debug)]
struct Body {
    child: Child,
    /// It was told to end.
    may_end: bool,
}

/// What a program is started with.
#[derive(Debug)]
pub struct Recipe<'r> {
    pub role: Role,
    pub which: usize,
    pub admin: SocketAddr,
    pub binaries: &'r Path,
    pub logs: &'r Path,
    pub settings: Vec<(String, String)>,
}

impl Program {
    pub fn start(recipe: Recipe<'_>) -> anyhow::Result<Self> {
        let kind = if recipe.role == Role::Receiver {
            "receiver"
        } else {
            "worker"
        };
        let name = format!("{kind}-{}", recipe.which + 1);
        let binary = recipe.binaries.join(format!("xiebao-{kind}"));
        let log = recipe.logs.join(format!("{name}.log"));
        let child = spawn(&binary, &recipe.settings, &log)?;
        Ok(Self {
            name,
            role: recipe.role,
            which: recipe.which,
            admin: recipe.admin,
            binary,
            settings: recipe.settings,
            log,
            body: Mutex::new(Body {
                child,
                may_end: false,
            }),
        })
    }

    pub fn kill(&self) -> anyhow::Result<()> {
        let mut body = self.body();
        body.may_end = true;
        body.child.kill()?;
        body.child.wait()?;
        Ok(())
    }

    pub fn start_again(&self) -> anyhow::Result<()> {
        let child = spawn(&self.binary, &self.settings, &self.log)?;
        *self.body() = Body {
            child,
            may_end: false,
        };
        Ok(())
    }

    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        Ok(signal(self.body().child.id(), name)?)
    }

    /// `None`: it runs, or was told to end.
    pub fn ended_by_itself(&self) -> Option<ExitStatus> {
        let mut body = self.body();
        if body.may_end {
            return None;
        }
        body.child.try_wait().ok().flatten()
    }

    pub fn tell_to_end(&self) -> anyhow::Result<()> {
        self.body().may_end = true;
        self.signal("TERM")
    }

    pub fn ended(&self) -> Option<ExitStatus> {
        self.body().child.try_wait().ok().flatten()
    }

    /// The end of what it has logged, over all its lives.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
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
    without_settings(&mut command);
    command
        .envs(settings.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command
        .spawn()
        .with_context(|| format!("{} can't be started", binary.display()))
}

/// Nobody's settings but those that are given here reach what is started.
pub fn without_settings(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("XIEBAO") && name != MARK {
            command.env_remove(&variable);
        }
    }
}

/// A loopback address that nobody listens on, outside the range of the ports that outgoing connections get: a client that
/// tries the port of a dead receiver again and again would be connected to itself one day.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    (0..200)
        .map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(20_000..32_000))))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("no free port between 20000 and 31999")
}
