//! `xiebao doctor`: examines what the services need, and says what to do about a fault.

use clap::Args as ClapArgs;
use xiebao_desk::doctor::database::Server;
use xiebao_desk::doctor::settings::{Address, Settings};
use xiebao_desk::doctor::{self, database, settings};
use xiebao_desk::finding::{Finding, Severity};
use xiebao_runtime::config::{Config, Needs, ReceiverConfig, without_password};
use xiebao_runtime::{clock, keys};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::{broker, policies, services};

const EXAMPLES: &str = "\
Changes nothing. Exit code 0 if all is well, 1 if a check failed, 2 if the configuration is wrong,
3 if the broker or the database cannot be reached.

Examples:
  xiebao doctor
  xiebao --config /etc/xiebao/xiebao.toml doctor --json";

/// Check configuration, keys, broker, topology, database, schema, clocks and services
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let findings = examine(context).await?;
    if args.json {
        show_json(&doctor::judged(&findings))?;
    } else {
        show(&doctor::page(&findings, context.words()))?;
    }
    exit(&findings)
}

/// All findings, in the order of the examination.
async fn examine(context: &Context) -> Result<Vec<Finding>, Failure> {
    let needs = Needs {
        amqp: true,
        database: true,
        ..Needs::NOTHING
    };
    let config = match context.config(needs) {
        Ok(config) => config,
        Err(Failure::Configuration(faults)) => {
            let faults = faults.0.iter().map(|fault| Finding::ConfigurationFaulty {
                fault: fault.to_string(),
            });
            return Ok(faults.collect());
        }
        Err(other) => return Err(other),
    };
    let mut findings = vec![Finding::ConfigurationSound, keys_file(&config)];
    let concerns = settings::examine(&combined(&config));
    findings.extend(concerns.into_iter().map(Finding::Concerning));
    findings.extend(broker::examine(config.require_amqp()?).await);
    let concerns = policies::examine(config.require_amqp()?).await;
    findings.extend(concerns.into_iter().map(Finding::Concerning));
    let database = config.require_database()?;
    let server = Server {
        url: database.url.expose(),
        address: &without_password(database.url.expose()),
        pool_size: database.pool_size,
        largest_body: config.receiver.max_body_bytes,
        clock: clock::now,
    };
    findings.extend(database::examine(server).await);
    let concerns = services::examine(&config).await;
    findings.extend(concerns.into_iter().map(Finding::Concerning));
    Ok(findings)
}

fn combined(config: &Config) -> Settings<'_> {
    let Config { receiver, worker, .. } = config;
    let address = |key, url| Address {
        key,
        url,
        shown: without_password(url),
    };
    let database = config.database.iter().map(|it| ("database.url", &it.url));
    let brokers = config.amqp.iter().flat_map(|amqp| &amqp.urls);
    let brokers = brokers.map(|url| ("amqp.url", url));
    Settings {
        shutdown_timeout: receiver.shutdown_timeout,
        in_flight: receiver.drain_delay + receiver.body_timeout + receiver.publish_timeout,
        anyone_may_post: receiver.allow.is_empty() && receiver.path == ReceiverConfig::DEFAULT_PATH,
        lanes: worker.lanes,
        pool_size: config.database.as_ref().map(|database| database.pool_size),
        addresses: database
            .chain(brokers)
            .map(|(key, url)| address(key, url.expose()))
            .collect(),
        keys_file: config.keys_file.as_deref(),
    }
}

fn keys_file(config: &Config) -> Finding {
    let Some(path) = &config.keys_file else {
        return Finding::KeysNotSet;
    };
    match keys::read(path) {
        Ok(keys) => Finding::KeysSound {
            partners: keys.0.len(),
            keys: keys.0.values().map(Vec::len).sum(),
        },
        Err(error) => Finding::KeysFaulty {
            problem: format!("{}: {error}", path.display()),
        },
    }
}

/// The gravest finding decides.
fn exit(findings: &[Finding]) -> Result<Exit, Failure> {
    match doctor::gravest(findings) {
        Severity::Fine | Severity::Noted => Ok(Exit::Done),
        Severity::Wrong => Ok(Exit::No),
        Severity::Unreachable => Err(Failure::Unreachable(
            "the broker or the database cannot be reached".to_owned(),
        )),
        Severity::Misconfigured => Err(Failure::Usage("the configuration is wrong".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_finding_decides_the_exit_code() {
        let fine = Finding::SchemaCurrent;
        let wrong = Finding::ClocksDiffer { difference_ms: 9_000 };
        let away = Finding::BrokerUnreachable {
            address: String::new(),
            problem: String::new(),
        };
        assert_eq!(exit(&[fine.clone(), Finding::KeysNotSet]).ok(), Some(Exit::Done));
        assert_eq!(exit(&[fine, wrong.clone()]).ok(), Some(Exit::No));
        assert!(matches!(exit(&[away, wrong]), Err(Failure::Unreachable(_))));
    }
}
