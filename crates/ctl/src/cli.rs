//! The arguments that all commands share, and the list of commands.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};

use xiebao_core::lang::Lang;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{
    dead, doctor, find, held, log_level, migrate, notice, operations, prune, rebuild, refused, reprocess,
    send, simulate, status, stuck, trace, verify,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: nothing found, or a check failed
  2  the arguments or the configuration are wrong
  3  the broker, the database or the receiver cannot be reached, or the output cannot be written

Settings come from the file that --config names; the environment overrides it: database.url is XIEBAO__DATABASE__URL.

Example:
  xiebao simulate --proposals 500 --disorder 1 --duplicates 0.3";

/// Operate xiebao-notify: send notices as the platform does, and see the results.
#[derive(Debug, Parser)]
#[command(name = "xiebao", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Read settings from this TOML file [environment: XIEBAO_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The language of the texts [default: that of the locale]
    #[arg(long, global = true, value_enum, value_parser = language())]
    lang: Option<Lang>,
    /// The person, for the log of operations [default: user and host]
    #[arg(long = "as", global = true, value_name = "WHO")]
    actor: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. Their descriptions stand at their arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    Dead(dead::Args),
    Doctor(doctor::Args),
    Find(find::Args),
    Held(held::Args),
    LogLevel(log_level::Args),
    Migrate(migrate::Args),
    Notice(notice::Args),
    Operations(operations::Args),
    Prune(prune::Args),
    Rebuild(rebuild::Args),
    Refused(refused::Args),
    Reprocess(reprocess::Args),
    Status(status::Args),
    Stuck(stuck::Args),
    Trace(trace::Args),
    Send(send::Args),
    Simulate(simulate::Args),
    Verify(verify::Args),
}

impl Cli {
    /// The context of the command.
    pub fn context(&self) -> Context {
        Context::new(self.config.clone(), self.lang, self.actor.clone())
    }
}

impl Command {
    /// Runs the command.
    pub async fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self {
            Command::Dead(args) => dead::run(args, context).await,
            Command::Doctor(args) => doctor::run(args, context).await,
            Command::Find(args) => find::run(args, context).await,
            Command::Held(args) => held::run(args, context).await,
            Command::LogLevel(args) => log_level::run(args, context).await,
            Command::Migrate(args) => migrate::run(args, context).await,
            Command::Notice(args) => notice::run(args, context).await,
            Command::Operations(args) => operations::run(args, context).await,
            Command::Prune(args) => prune::run(args, context).await,
            Command::Rebuild(args) => rebuild::run(args, context).await,
            Command::Refused(args) => refused::run(args, context).await,
            Command::Status(args) => status::run(args, context).await,
            Command::Stuck(args) => stuck::run(args, context).await,
            Command::Reprocess(args) => reprocess::run(args, context).await,
            Command::Trace(args) => trace::run(args, context).await,
            Command::Send(args) => send::run(args, context).await,
            Command::Simulate(args) => simulate::run(args, context).await,
            Command::Verify(args) => verify::run(args, context).await,
        }
    }
}

fn language() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["zh", "en"]).map(|name| if name == "zh" { Lang::Zh } else { Lang::En })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("xiebao "), "{} has none", command.get_name());
        }
    }
}
