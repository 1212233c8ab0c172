//! A private broker for a test that stops, kills, starves or configures it, and a database server beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::signal;
use crate::services::without_product_variables;

/// One node with a management interface, removed with its data when dropped. It takes about eight seconds to start.
#[derive(Debug)]
pub struct PrivateBroker {
    folder: TempDir,
    /// `amqp://…/%2f`
    pub url: String,
    pub management: String,
    /// `mysql://…`
    pub database: String,
}

/// The resource that the broker runs out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    Memory,
    Disk,
}

impl PrivateBroker {
    /// Starts a broker.
    ///
    /// # Panics
    /// If it does not start, with the output of `scripts/services`.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        output_of(services(folder.path(), &["up"])).await;
        let lines = output_of(services(folder.path(), &["env"])).await;
        let value = |name: &str| {
            let prefix = format!("export {name}='");
            let found = lines.lines().find_map(|line| line.strip_prefix(&*prefix));
            found
                .unwrap_or_else(|| panic!("{name} is not among {lines}"))
                .trim_end_matches('\'')
                .to_owned()
        };
        Self {
            url: value("XIEBAO__AMQP__URL"),
            management: value("XIEBAO_TEST__MANAGEMENT_URL"),
            database: value("XIEBAO__DATABASE__URL"),
            folder,
        }
    }

    /// Freezes it with SIGSTOP: connections stay open, and nobody answers.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    /// Resumes it after [`Self::stop`].
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// Sends SIGKILL, and waits until it is gone.
    ///
    /// # Panics
    /// If it is not gone within ten seconds.
    pub async fn kill(&self) {
        let process = PathBuf::from(format!("/proc/{}/fd", self.id()));
        self.signal("KILL");
        let deadline = Instant::now() + Duration::from_secs(10);
        // A zombie has no open files.
        while std::fs::read_dir(&process).is_ok_and(|mut files| files.next().is_some()) {
            assert!(Instant::now() < deadline, "the broker outlives kill -9");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Restarts it after [`Self::kill`], with the same address and data.
    pub async fn start_again(&self) {
        output_of(services(self.folder.path(), &["up"])).await;
    }

    /// Raises a resource alarm: the broker accepts no messages until [`Self::relieve`].
    pub async fn starve(&self, of: Shortage) {
        let arguments: &[&str] = match of {
            Shortage::Memory => &["set_vm_memory_high_watermark", "0.0000001"],
            Shortage::Disk => &["set_disk_free_limit", "100000GB"],
        };
        output_of(self.control(arguments)).await;
    }

    /// Ends the alarm.
    pub async fn relieve(&self, of: Shortage) {
        let arguments: &[&str] = match of {
            Shortage::Memory => &["set_vm_memory_high_watermark", "0.4"],
            Shortage::Disk => &["set_disk_free_limit", "50MB"],
        };
        output_of(self.control(arguments)).await;
    }

    /// Sets `max_message_size`, in bytes, for channels that open from now on.
    pub async fn limit_messages(&self, bytes: usize) {
        let setting = format!("application:set_env(rabbit, max_message_size, {bytes}).");
        output_of(self.control(&["eval", &setting])).await;
    }

    fn id(&self) -> u32 {
        let file = self.folder.path().join("rabbitmq/node.pid");
        let text = std::fs::read_to_string(file).expect("the node has written its process id");
        text.trim().parse().expect("a number")
    }

    fn signal(&self, name: &str) {
        signal(self.id(), name).expect("the broker is there");
    }

    /// `rabbitmqctl` for this node; see `scripts/lib/rabbitmq.sh`.
    fn control(&self, arguments: &[&str]) -> Command {
        let instance = std::fs::read_to_string(self.folder.path().join("instance")).expect("an instance");
        let value = |name: &str| {
            let found = instance
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            found
                .unwrap_or_else(|| panic!("no {name} in the instance"))
                .to_owned()
        };
        let home = self.folder.path().join("rabbitmq");
        let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        command
            .args(["-q", "-t", "30"])
            .args(arguments)
            .env("HOME", home.join("home"))
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", value("epmd_port"))
            .env("RABBITMQ_NODENAME", value("node_name"))
            .env("RABBITMQ_CONF_ENV_FILE", home.join("env.conf"))
            .env(
                "RABBITMQ_CTL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            );
        command
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        if self.folder.path().join("rabbitmq/node.pid").exists() {
            // A frozen process could not shut down.
            let _ = signal(self.id(), "CONT");
        }
        let down = services(self.folder.path(), &["down", "--purge"]).output();
        if !down.is_ok_and(|output| output.status.success()) {
            eprintln!("a broker is left over: {}", self.folder.path().display());
        }
    }
}

/// `scripts/services` with that state directory, and without the servers that the environment names.
fn services(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services"));
    without_product_variables(&mut command)
        .args(arguments)
        .env("XIEBAO_SERVICES_DIR", folder);
    command
}

/// Runs the command without blocking the test's runtime, and returns its standard output.
///
/// # Panics
/// If it fails, with its standard error.
async fn output_of(mut command: Command) -> String {
    let running = tokio::task::spawn_blocking(move || (command.output(), command));
    let (output, command) = running.await.expect("it does not panic");
    let output = output.unwrap_or_else(|error| panic!("{command:?} can't be run: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
