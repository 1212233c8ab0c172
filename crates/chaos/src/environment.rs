//! Everything that takes part in a run: started together, and stopped together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Client;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use xiebao_testkit::{KEY, PARTNER, free_address, without_product_variables};

use crate::args::Args;
use crate::kind::{Connection, Role};
use crate::programs::{Program, ProgramConfig};
use crate::proxies::Proxies;
use crate::servers::Servers;
use crate::watch::{ActiveFaults, is_ready};

const START_WITHIN: Duration = Duration::from_secs(60);
/// Kubernetes' default grace period is 30 s; a machine that runs many tests gets twice that.
const END_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Environment {
    pub programs: Vec<Program>,
    /// `None` if the services connect to the servers directly.
    pub proxies: Option<Proxies>,
    pub servers: Servers,
    pub active_faults: ActiveFaults,
    pub client: Client,
    pub urls: Vec<String>,
    binaries: PathBuf,
    logs: PathBuf,
    settings: Vec<(String, String)>,
}

impl Environment {
    /// Migrates the database, starts the services, and waits until all are ready.
    pub async fn set_up(args: &Args) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&args.logs)?;
        let keys = args.logs.join("keys.toml");
        std::fs::write(&keys, format!("\"{PARTNER}\" = [\"{KEY}\"]\n"))?;
        let proxies = match args.cluster {
            true => None,
            false => Some(Proxies::start(args.process_counts(), &args.amqp, &args.database).await?),
        };
        let mut environment = Self {
            programs: Vec::new(),
            proxies,
            servers: Servers::new(&args.services, &args.state),
            active_faults: ActiveFaults::default(),
            client: Client::new(),
            urls: Vec::new(),
            binaries: args.programs.clone(),
            logs: args.logs.clone(),
            settings: settings(&args.amqp, &args.database, &keys),
        };
        let migrated = environment.xiebao(&["migrate"]).output().await?;
        let errors = String::from_utf8_lossy(&migrated.stderr);
        ensure!(migrated.status.success(), "xiebao migrate: {errors}");
        for role in [Role::Receiver, Role::Worker] {
            for which in 0..args.process_counts().of(role) {
                environment.start(role, which)?;
            }
        }
        environment.wait_until_ready().await?;
        Ok(environment)
    }

    fn start(&mut self, role: Role, which: usize) -> anyhow::Result<()> {
        let (admin, listen) = (free_address(), free_address());
        let mut settings = self.settings.clone();
        match role {
            Role::Receiver => {
                settings.push(setting("XIEBAO__RECEIVER__ADMIN_LISTEN", admin));
                settings.push(setting("XIEBAO__RECEIVER__LISTEN", listen));
                self.urls.push(format!("http://{listen}/notices"));
                self.route_through(
                    &mut settings,
                    "XIEBAO__AMQP__URL",
                    Connection::ReceiverBroker,
                    which,
                );
            }
            _ => {
                settings.push(setting("XIEBAO__WORKER__ADMIN_LISTEN", admin));
                self.route_through(
                    &mut settings,
                    "XIEBAO__AMQP__URL",
                    Connection::WorkerBroker,
                    which,
                );
                self.route_through(
                    &mut settings,
                    "XIEBAO__DATABASE__URL",
                    Connection::WorkerDatabase,
                    which,
                );
            }
        }
        self.programs.push(Program::start(ProgramConfig {
            role,
            which,
            admin,
            binaries: &self.binaries,
            logs: &self.logs,
            settings,
        })?);
        Ok(())
    }

    fn route_through(
        &self,
        settings: &mut Vec<(String, String)>,
        name: &str,
        connection: Connection,
        which: usize,
    ) {
        if let Some(proxies) = &self.proxies {
            // The last of several settings with the same name counts.
            settings.push((name.to_owned(), proxies.address(connection, which)));
        }
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_WITHIN;
        for program in &self.programs {
            while !is_ready(&self.client, program).await {
                if Instant::now() > deadline || program.ended_by_itself().is_some() {
                    bail!(
                        "{} does not become ready:\n{}",
                        program.name,
                        program.end_of_log()
                    );
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    pub fn program(&self, role: Role, which: Option<usize>) -> anyhow::Result<&Program> {
        let mut programs = self.programs.iter();
        programs
            .find(|program| program.role == role && Some(program.which) == which)
            .with_context(|| format!("there is no {role:?} {which:?}"))
    }

    /// A command of `xiebao`, connected to the servers directly.
    pub fn xiebao(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("xiebao"));
        without_product_variables(command.as_std_mut());
        command.args(["--lang", "en"]).args(arguments);
        command.envs(self.settings.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// Sends SIGTERM to all services, as Kubernetes does, and waits. Returns a message for each that did not end
    /// well.
    pub async fn tear_down(&self) -> Vec<String> {
        for program in &self.programs {
            if let Err(error) = program.ask_to_end() {
                return vec![format!("{} is gone: {error}", program.name)];
            }
        }
        let deadline = Instant::now() + END_WITHIN;
        let mut problems = Vec::new();
        for program in &self.programs {
            match ended(program, deadline).await {
                Some(status) if status.success() => {}
                Some(status) => problems.push(format!("{} failed at shutdown ({status})", program.name)),
                None => problems.push(format!("{} did not end within {END_WITHIN:?}", program.name)),
            }
        }
        problems
    }
}

async fn ended(program: &Program, deadline: Instant) -> Option<ExitStatus> {
    loop {
        let status = program.ended();
        if status.is_some() || Instant::now() > deadline {
            return status;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn settings(amqp: &str, database: &str, keys: &Path) -> Vec<(String, String)> {
    vec![
        ("XIEBAO__AMQP__URL".to_owned(), amqp.to_owned()),
        ("XIEBAO__DATABASE__URL".to_owned(), database.to_owned()),
        (
            "XIEBAO__KEYS_FILE".to_owned(),
            keys.to_string_lossy().into_owned(),
        ),
    ]
}

fn setting(name: &str, address: SocketAddr) -> (String, String) {
    (name.to_owned(), address.to_string())
}
