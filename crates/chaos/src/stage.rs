//! Everything that takes part, set up and torn down.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Client;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use xiebao_testkit::{KEY, PARTNER};

use crate::args::Args;
use crate::kind::{Link, Role};
use crate::programs::{Program, Recipe, free_address, without_settings};
use crate::servers::Servers;
use crate::watch::{Field, is_ready};
use crate::wires::Wires;

const START_WITHIN: Duration = Duration::from_secs(60);
/// Kubernetes' grace is 30 s unless told otherwise; a machine that is full of tests gets twice that.
const END_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Stage {
    pub programs: Vec<Program>,
    /// `None`: services and servers are connected directly.
    pub wires: Option<Wires>,
    pub servers: Servers,
    pub field: Field,
    pub client: Client,
    pub urls: Vec<String>,
    binaries: PathBuf,
    logs: PathBuf,
    settings: Vec<(String, String)>,
}

impl Stage {
    /// Migrates the database, starts everything, and waits until all are ready.
    pub async fn set_up(args: &Args) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&args.logs)?;
        let keys = args.logs.join("keys.toml");
        std::fs::write(&keys, format!("\"{PARTNER}\" = [\"{KEY}\"]\n"))?;
        let wires = match args.cluster {
            true => None,
            false => Some(Wires::lay(args.crew(), &args.amqp, &args.database).await?),
        };
        let mut stage = Self {
            programs: Vec::new(),
            wires,
            servers: Servers::new(&args.services, &args.state),
            field: Field::default(),
            client: Client::new(),
            urls: Vec::new(),
            binaries: args.programs.clone(),
            logs: args.logs.clone(),
            settings: settings(&args.amqp, &args.database, &keys),
        };
        let migrated = stage.xiebao(&["migrate"]).output().await?;
        let said = String::from_utf8_lossy(&migrated.stderr);
        ensure!(migrated.status.success(), "xiebao migrate: {said}");
        for role in [Role::Receiver, Role::Worker] {
            for which in 0..args.crew().of(role) {
                stage.start(role, which)?;
            }
        }
        stage.wait_until_ready().await?;
        Ok(stage)
    }

    fn start(&mut self, role: Role, which: usize) -> anyhow::Result<()> {
        let (admin, listen) = (free_address()?, free_address()?);
        let mut settings = self.settings.clone();
        match role {
            Role::Receiver => {
                settings.push(setting("XIEBAO__RECEIVER__ADMIN_LISTEN", admin));
                settings.push(setting("XIEBAO__RECEIVER__LISTEN", listen));
                self.urls.push(format!("http://{listen}/notices"));
                self.lead_through(&mut settings, "XIEBAO__AMQP__URL", Link::ReceiverBroker, which);
            }
            _ => {
                settings.push(setting("XIEBAO__WORKER__ADMIN_LISTEN", admin));
                self.lead_through(&mut settings, "XIEBAO__AMQP__URL", Link::WorkerBroker, which);
                self.lead_through(
                    &mut settings,
                    "XIEBAO__DATABASE__URL",
                    Link::WorkerDatabase,
                    which,
                );
            }
        }
        self.programs.push(Program::start(Recipe {
            role,
            which,
            admin,
            binaries: &self.binaries,
            logs: &self.logs,
            settings,
        })?);
        Ok(())
    }

    fn lead_through(&self, settings: &mut Vec<(String, String)>, name: &str, link: Link, which: usize) {
        if let Some(wires) = &self.wires {
            // The later one of two settings of the same name holds.
            settings.push((name.to_owned(), wires.address(link, which)));
        }
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_WITHIN;
        for program in &self.programs {
            while !is_ready(&self.client, program).await {
                if Instant::now() > deadline || program.ended_by_itself().is_some() {
                    bail!("{} does not get ready:\n{}", program.name, program.last_words());
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

    /// `xiebao`, connected to the servers directly.
    pub fn xiebao(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("xiebao"));
        without_settings(command.as_std_mut());
        command.args(["--lang", "en"]).args(arguments);
        command.envs(self.settings.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// Asks all to stop, as Kubernetes does. What did not go well, in words.
    pub async fn tear_down(&self) -> Vec<String> {
        for program in &self.programs {
            if let Err(error) = program.tell_to_end() {
                return vec![format!("{} is gone: {error}", program.name)];
            }
        }
        let deadline = Instant::now() + END_WITHIN;
        let mut wrong = Vec::new();
        for program in &self.programs {
            match ended(program, deadline).await {
                Some(status) if status.success() => {}
                Some(status) => wrong.push(format!("{} ended badly ({status})", program.name)),
                None => wrong.push(format!("{} did not end within {END_WITHIN:?}", program.name)),
            }
        }
        wrong
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
