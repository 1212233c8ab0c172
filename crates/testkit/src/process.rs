//! The product's own programs, started and ended by tests.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::programs::program;
use crate::services::without_product_variables;

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: NamedTempFile,
    started: Instant,
}

/// Sends a signal, named as `kill` names it: `KILL`, `STOP`.
///
/// # Errors
/// If there is no such process.
pub fn signal(process: u32, name: &str) -> io::Result<()> {
    let mut command = Command::new("kill");
    let command = command.args([format!("-{name}"), process.to_string()]);
    let status = command.stderr(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "process {process} can't be sent SIG{name}"
        )))
    }
}

impl Process {
    /// Starts a program of the workspace, as its sources are now, with these variables and none of the caller's that
    /// begin with `XIEBAO`.
    ///
    /// # Panics
    /// If it does not build or does not start.
    pub fn spawn<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        name: &str,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let started = Self::start(&program(name), arguments, environment);
        started.unwrap_or_else(|error| panic!("{name} can't be started: {error}"))
    }

    /// Starts the program at this path, in the same way.
    ///
    /// # Errors
    /// If there is no such program, or its log file can't be created.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        binary: &Path,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> io::Result<Self> {
        let log = NamedTempFile::new()?;
        let mut command = Command::new(binary);
        let command = without_product_variables(&mut command)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null());
        let started = Instant::now();
        Ok(Self {
            name: binary
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            child: command.stdout(log.reopen()?).stderr(log.reopen()?).spawn()?,
            log,
            started,
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Standard output and standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// The file name of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The most memory that it has used, in bytes.
    ///
    /// # Panics
    /// If it has ended.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        1_024
            * kilobytes
                .and_then(|text| text.parse::<usize>().ok())
                .expect("a number")
    }

    /// The time since its start.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Its exit status, `None` while it runs.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `/readyz` answers 2xx, and returns the time since the start.
    ///
    /// # Panics
    /// If that takes longer than `within`, or the program ends.
    pub async fn ready(&mut self, admin: SocketAddr, within: Duration) -> Duration {
        let client = reqwest::Client::new();
        loop {
            let answer = client.get(format!("http://{admin}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return self.age();
            }
            if let Some(status) = self.has_ended() {
                panic!("{} ended ({status}):\n{}", self.name, self.log());
            }
            assert!(self.age() < within, "{} is not ready:\n{}", self.name, self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most memory that it has had so far.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .expect("it has memory");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kibibytes * 1024
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Panics
    /// If the process is gone.
    pub fn terminate(&self) {
        let sent = signal(self.id(), "TERM");
        assert!(sent.is_ok(), "{} can't be sent SIGTERM", self.name);
    }

    /// Sends SIGKILL and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If that takes longer than `within`.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{} does not end:\n{}",
                self.name,
                self.log()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
