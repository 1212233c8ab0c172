//! `xiebao doctor`: looks at everything that the services need, and says what to do about what is wrong.

mod broker;
pub mod concern;
mod database;
mod server;
mod services;
mod settings;

use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_runtime::config::{Config, Needs};
use xiebao_runtime::keys;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::screen::{plain, show, show_json};
use crate::words::Words;
use concern::Concern;

const EXAMPLES: &str = "\
Changes nothing. Exit code 0 if all is well, 1 if a check failed, 2 if the configuration is wrong,
3 if the broker or the database can't be reached.

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

/// What was found, each with all that is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    ConfigurationSound,
    ConfigurationFaulty {
        fault: String,
    },
    KeysSound {
        partners: usize,
        keys: usize,
    },
    KeysNotSet,
    KeysFaulty {
        problem: String,
    },
    BrokerReached {
        address: String,
    },
    /// One address of several; another answers.
    BrokerNodeAway {
        address: String,
        problem: String,
    },
    BrokerUnreachable {
        address: String,
        problem: String,
    },
    ObjectSound {
        object: String,
    },
    QueueSound {
        object: String,
        messages: u32,
        consumers: u32,
    },
    ObjectMissing {
        object: String,
    },
    ObjectDiffers {
        object: String,
        difference: String,
    },
    DatabaseReached {
        address: String,
        version: String,
    },
    DatabaseUnreachable {
        address: String,
        problem: String,
    },
    SchemaCurrent,
    SchemaPending {
        names: Vec<String>,
    },
    SchemaNewer {
        versions: Vec<String>,
    },
    ClocksAgree {
        difference_ms: i64,
    },
    ClocksDiffer {
        difference_ms: i64,
    },
    /// Works today and need not tomorrow.
    Concerning(Concern),
}

/// What a finding means for the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fine,
    /// Nothing wrong, but worth knowing.
    Noted,
    Wrong,
    Unreachable,
    Misconfigured,
}

impl Finding {
    pub fn verdict(&self) -> Verdict {
        match self {
            Finding::ConfigurationSound
            | Finding::KeysSound { .. }
            | Finding::BrokerReached { .. }
            | Finding::ObjectSound { .. }
            | Finding::QueueSound { .. }
            | Finding::DatabaseReached { .. }
            | Finding::SchemaCurrent
            | Finding::ClocksAgree { .. } => Verdict::Fine,
            Finding::Concerning(concern) => concern.verdict(),
            Finding::KeysNotSet => Verdict::Noted,
            Finding::BrokerNodeAway { .. }
            | Finding::ObjectMissing { .. }
            | Finding::ObjectDiffers { .. }
            | Finding::SchemaPending { .. }
            | Finding::SchemaNewer { .. }
            | Finding::ClocksDiffer { .. } => Verdict::Wrong,
            Finding::BrokerUnreachable { .. } | Finding::DatabaseUnreachable { .. } => Verdict::Unreachable,
            Finding::ConfigurationFaulty { .. } | Finding::KeysFaulty { .. } => Verdict::Misconfigured,
        }
    }
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let findings = examine(context).await?;
    if args.json {
        show_json(&findings.iter().map(View::of).collect::<Vec<_>>())?;
    } else {
        show(&page(&findings, crate::words::of(context.lang)));
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
    findings.extend(settings::examine(&config).into_iter().map(Finding::Concerning));
    findings.extend(broker::examine(config.require_amqp()?).await);
    findings.extend(database::examine(config.require_database()?, config.receiver.max_body_bytes).await);
    findings.extend(
        services::examine(&config)
            .await
            .into_iter()
            .map(Finding::Concerning),
    );
    Ok(findings)
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

/// A finding as it is printed for a program.
#[derive(Debug, Serialize)]
struct View<'f> {
    verdict: Verdict,
    #[serde(flatten)]
    finding: &'f Finding,
}

impl<'f> View<'f> {
    fn of(finding: &'f Finding) -> Self {
        Self {
            verdict: finding.verdict(),
            finding,
        }
    }
}

fn page(findings: &[Finding], words: &dyn Words) -> String {
    let mut out = String::new();
    for finding in findings {
        let mark = match finding.verdict() {
            Verdict::Fine => "✓",
            Verdict::Noted => "·",
            Verdict::Wrong | Verdict::Unreachable | Verdict::Misconfigured => "✗",
        };
        out.push_str(&format!("{mark} {}\n", plain(&words.finding(finding))));
        if let Some(advice) = words.advice(finding) {
            out.push_str(&format!("    → {advice}\n"));
        }
    }
    out
}

/// The gravest finding decides.
fn exit(findings: &[Finding]) -> Result<Exit, Failure> {
    let gravest = findings
        .iter()
        .map(Finding::verdict)
        .max()
        .unwrap_or(Verdict::Fine);
    match gravest {
        Verdict::Fine | Verdict::Noted => Ok(Exit::Done),
        Verdict::Wrong => Ok(Exit::No),
        Verdict::Unreachable => Err(Failure::Unreachable(
            "the broker or the database can't be reached".to_owned(),
        )),
        Verdict::Misconfigured => Err(Failure::Usage("the configuration is wrong".to_owned())),
    }
}

#[cfg(test)]
mod tests;
