//! The product's own programs, started and ended by tests.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: NamedTempFile,
    started: Instant,
}

/// A loopback address that nobody listens on now.
///
/// # Panics
/// When the system has none.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address")
}

/// Sends a signal, named as `kill` has it: `KILL`, `STOP`.
///
/// # Errors
/// When there is no such process.
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
    /// Starts a program of the workspace with these variables and no others of the product's.
    ///
    /// # Panics
    /// When it is not built.
    pub fn spawn<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        name: &str,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let started = Self::start(&binary(name), arguments, environment);
        started.unwrap_or_else(|error| panic!("{name} can't be started (cargo build): {error}"))
    }

    /// The same for a program that lies elsewhere.
    ///
    /// # Errors
    /// When there is no such program, or no file for its log.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        binary: &Path,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> io::Result<Self> {
        let log = NamedTempFile::new()?;
        let mut command = Command::new(binary);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("XIEBAO") {
                command.env_remove(variable);
            }
        }
        let command = command.args(arguments).envs(environment).stdin(Stdio::null());
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

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Since it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// How it has ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `/readyz` says yes, and tells how long that took from its start.
    ///
    /// # Panics
    /// When that takes longer than `within`, or the program ends.
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
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("it has memory");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kibibytes * 1024
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Panics
    /// When it is gone.
    pub fn terminate(&self) {
        let told = signal(self.id(), "TERM");
        assert!(told.is_ok(), "{} can't be told to end", self.name);
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When that takes longer than `within`.
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
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `target/debug/NAME`, seen from the test in `target/debug/deps`.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.ancestors().nth(2).expect("a test lies two folders deep");
    folder.join(name)
}
