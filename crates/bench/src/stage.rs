//! A database and a vhost of its own for a scenario, and the services on them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use tokio::process::Command;
use xiebao_testkit::{Broker, Database, KEY, PARTNER, free_address};

use crate::service::Service;

/// Where notices are posted.
pub const PATH: &str = "/notices";
pub const QUEUE: &str = "xiebao.notices";

/// Both are dropped with it; services first.
#[derive(Debug)]
pub struct Stage {
    pub database: Database,
    pub broker: Broker,
    programs: PathBuf,
    keys: tempfile::NamedTempFile,
}

/// A receiver, and where it listens.
#[derive(Debug)]
pub struct Receiver {
    pub service: Service,
    pub address: SocketAddr,
}

impl Stage {
    /// An empty, migrated database and an empty vhost.
    ///
    /// # Panics
    /// When there is no broker or no database.
    pub async fn set_up(programs: &Path) -> anyhow::Result<Self> {
        let keys = tempfile::NamedTempFile::new()?;
        std::fs::write(keys.path(), format!("\"{PARTNER}\" = [\"{KEY}\"]\n"))?;
        let stage = Self {
            database: Database::new().await,
            broker: Broker::new().await,
            programs: programs.to_owned(),
            keys,
        };
        stage.xiebao(&["migrate"]).await?;
        Ok(stage)
    }

    /// # Errors
    /// When it can't be started or does not get ready.
    pub async fn receiver(&self) -> anyhow::Result<Receiver> {
        let mut receiver = self.start_receiver()?;
        receiver.service.ready().await?;
        Ok(receiver)
    }

    pub fn start_receiver(&self) -> anyhow::Result<Receiver> {
        let address = free_address();
        let own = [
            ("XIEBAO__RECEIVER__LISTEN", address.to_string()),
            // Nobody has to learn that it is about to go.
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

    /// Runs a command of the operator's.
    ///
    /// # Errors
    /// When its answer is no, with what it says.
    pub async fn xiebao(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.programs.join("xiebao"));
        command
            .args(["--lang", "en"])
            .args(arguments)
            .envs(self.settings());
        let output = command.kill_on_drop(true).output().await?;
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let (status, command) = (output.status, arguments.join(" "));
        ensure!(status.success(), "xiebao {command} ({status}):\n{said}{errors}");
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
