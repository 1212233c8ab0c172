//! A private database and vhost for a part of the benchmark, and the services on them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use bytes::Bytes;
use tokio::process::Command;
use xiebao_testkit::{Broker, Database, KEY, PARTNER, free_address};

use crate::load::Load;
use crate::service::Service;

/// The path that notices are posted to.
const PATH: &str = "/notices";
pub const QUEUE: &str = "xiebao.notices";

/// A database and a vhost, deleted on drop. Services must have ended before.
#[derive(Debug)]
pub struct Environment {
    pub database: Database,
    pub broker: Broker,
    programs: PathBuf,
    keys: tempfile::NamedTempFile,
}

/// A receiver, and the address it listens on.
#[derive(Debug)]
pub struct Receiver {
    pub service: Service,
    pub address: SocketAddr,
}

impl Receiver {
    /// A load that posts these bodies to it.
    pub fn load(&self, bodies: Arc<[Bytes]>, connections: usize) -> Load {
        Load {
            address: self.address,
            path: PATH.to_owned(),
            bodies,
            connections,
        }
    }
}

impl Environment {
    /// Creates an empty, migrated database and an empty vhost.
    ///
    /// # Panics
    /// If there is no broker or no database.
    pub async fn set_up(programs: &Path) -> anyhow::Result<Self> {
        let keys = tempfile::NamedTempFile::new()?;
        std::fs::write(keys.path(), format!("\"{PARTNER}\" = [\"{KEY}\"]\n"))?;
        let environment = Self {
            database: Database::new().await,
            broker: Broker::new().await,
            programs: programs.to_owned(),
            keys,
        };
        environment.xiebao(&["migrate"]).await?;
        Ok(environment)
    }

    /// Starts a receiver and waits until it is ready.
    ///
    /// # Errors
    /// If it can't be started or does not become ready.
    pub async fn receiver(&self) -> anyhow::Result<Receiver> {
        let mut receiver = self.start_receiver()?;
        receiver.service.ready().await?;
        Ok(receiver)
    }

    pub fn start_receiver(&self) -> anyhow::Result<Receiver> {
        let address = free_address();
        let own = [
            ("XIEBAO__RECEIVER__LISTEN", address.to_string()),
            // No load balancer has to learn about the shutdown.
            ("XIEBAO__RECEIVER__DRAIN_DELAY_MS", "0".to_owned()),
        ];
        let service = self.start("receiver", &own)?;
        Ok(Receiver { service, address })
    }

    pub fn start_worker(&self) -> anyhow::Result<Service> {
        self.start("worker", &[])
    }

    fn start(&self, kind: &str, own: &[(&str, String)]) -> anyhow::Result<Service> {
        let admin = free_address();
        let mut settings = self.settings();
        settings.push((
            format!("XIEBAO__{}__ADMIN_LISTEN", kind.to_uppercase()),
            admin.to_string(),
        ));
        settings.extend(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        Service::start(&self.programs.join(format!("xiebao-{kind}")), admin, settings)
    }

    /// Runs a command of `xiebao`.
    ///
    /// # Errors
    /// If it fails, with its output.
    pub async fn xiebao(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.programs.join("xiebao"));
        command
            .args(["--lang", "en"])
            .args(arguments)
            .envs(self.settings());
        let output = command.kill_on_drop(true).output().await?;
        let (answer, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let (status, command) = (output.status, arguments.join(" "));
        ensure!(status.success(), "xiebao {command} ({status}):\n{answer}{errors}");
        Ok(())
    }

    fn settings(&self) -> Vec<(String, String)> {
        let keys = self.keys.path().to_string_lossy().into_owned();
        let settings = [
            ("XIEBAO__AMQP__URL", self.broker.url()),
            ("XIEBAO__DATABASE__URL", self.database.url()),
            ("XIEBAO__KEYS_FILE", keys),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}
