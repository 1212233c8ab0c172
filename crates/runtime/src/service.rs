//! The `main` of a service: arguments, configuration, logging, signals, exit code.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Environment, Faults, Needs};

/// Exit code for faulty arguments or configuration.
pub const EXIT_CONFIGURATION: u8 = 2;

/// A service, as its `main` describes it.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// The name of the binary.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// The settings that it requires.
    pub needs: Needs,
}

impl Service {
    /// Runs `run`, which must end soon after its token is cancelled. Exit code 0 if it succeeds, 1 if it fails, 2 if the
    /// arguments or the configuration are faulty.
    pub fn main<F, R>(self, run: F) -> ExitCode
    where
        F: FnOnce(Config, CancellationToken) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let arguments = self.command().get_matches();
        let check_only = arguments.get_flag("check-config");
        match self.configuration(&arguments) {
            Err(faults) => {
                eprintln!("{faults}");
                ExitCode::from(EXIT_CONFIGURATION)
            }
            Ok(_) if check_only => {
                println!("configuration is valid");
                ExitCode::SUCCESS
            }
            Ok(config) => self.supervise(config, run),
        }
    }

    fn command(self) -> Command {
        Command::new(self.name)
            .version(env!("CARGO_PKG_VERSION"))
            .about(self.about)
            .arg(
                Arg::new("config")
                    .long("config")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .help("Read settings from this TOML file [environment: XIEBAO_CONFIG]"),
            )
            .arg(
                Arg::new("check-config")
                    .long("check-config")
                    .action(ArgAction::SetTrue)
                    .help("Validate all settings, print every fault, and exit with 0 or 2"),
            )
            .after_help(format!(
                "Every key can be set in the environment: receiver.listen is XIEBAO__RECEIVER__LISTEN.\n\n\
                 Example:\n  {} --config /etc/xiebao/xiebao.toml",
                self.name
            ))
    }

    fn configuration(self, arguments: &ArgMatches) -> Result<Config, Faults> {
        let environment = Environment::of_process();
        let named = arguments.get_one::<PathBuf>("config").cloned();
        let file = named.or_else(|| environment.get("XIEBAO_CONFIG").map(PathBuf::from));
        Config::load(file.as_deref(), &environment, self.needs)
    }

    fn supervise<F, R>(self, config: Config, run: F) -> ExitCode
    where
        F: FnOnce(Config, CancellationToken) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        crate::telemetry::init(self.name, config.log);
        let work = async {
            let shutdown = crate::shutdown::on_signal()?;
            tracing::info!(
                service.name = self.name,
                service.version = env!("CARGO_PKG_VERSION"),
                "starting"
            );
            run(config, shutdown).await
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
            let result = runtime.block_on(work);
            // A hanging DNS query must not keep the process alive.
            runtime.shutdown_timeout(Duration::from_secs(1));
            result
        });
        match result {
            Ok(()) => {
                tracing::info!("stopped");
                ExitCode::SUCCESS
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "stopped by an error");
                ExitCode::FAILURE
            }
        }
    }
}
