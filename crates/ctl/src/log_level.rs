//! `xiebao log-level`: what running services log, read and changed.

mod in_force;

use std::net::SocketAddr;

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;
use xiebao_runtime::config::Needs;

use crate::admin::Admin;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, show, show_json};
use crate::words::Words;
use in_force::{AdminError, InForce};

const EXAMPLES: &str = "\
Asks the services at receiver.admin_listen and worker.admin_listen, on this machine: a level is changed from the machine,
or the Pod, where the service runs. The change ends with the service. Exit code 1 if a service refuses or not all of them take a new
level, 3 if none answers.

Examples:
  xiebao log-level
  xiebao log-level debug --for 10m
  xiebao log-level info --service worker
  kubectl exec deploy/xiebao-worker -- xiebao log-level debug --for 10m";

/// Show or change what running services log, without a restart
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The new level [default: only show the one in force]
    #[arg(value_parser = ["error", "warn", "info", "debug", "trace"])]
    level: Option<String>,
    /// Back to the configured level after this time (1s to 24h)
    #[arg(long = "for", value_name = "TIME", requires = "level", value_parser = time_span)]
    time: Option<String>,
    /// Only this service [default: all whose admin_listen is configured]
    #[arg(long, value_enum, conflicts_with = "admin")]
    service: Option<Service>,
    /// The admin listener to ask, instead of the configured ones
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Service {
    Receiver,
    Worker,
}

#[derive(Debug, Serialize)]
struct List {
    services: Vec<Answer>,
}

/// What became of asking one listener.
#[derive(Debug, Serialize)]
struct Answer {
    admin: String,
    #[serde(flatten)]
    in_force: Option<InForce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    refused: bool,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut services = Vec::new();
    for admin in args.listeners(context)? {
        let asked = match &args.level {
            Some(level) => in_force::change(&admin, level, args.time.as_deref()).await,
            None => in_force::ask(&admin).await,
        };
        services.push(Answer::of(&admin, asked));
    }
    let list = List { services };
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(crate::words::of(context.lang)));
    }
    list.exit(args.level.is_some())
}

impl Args {
    /// Each once: in containers both services may be configured alike.
    fn listeners(&self, context: &Context) -> Result<Vec<Admin>, Failure> {
        if let Some(url) = &self.admin {
            return Ok(vec![Admin::parse(url)?]);
        }
        let config = context.config(Needs::NOTHING)?;
        let configured = [
            (Service::Receiver, config.receiver.admin_listen),
            (Service::Worker, config.worker.admin_listen),
        ];
        let wanted = |of: Service| self.service.is_none_or(|service| service == of);
        let mut addresses: Vec<SocketAddr> = configured
            .into_iter()
            .filter(|(service, _)| wanted(*service))
            .filter_map(|(_, address)| address)
            .collect();
        addresses.dedup();
        if addresses.is_empty() {
            return Err(Failure::Usage(
                crate::words::of(context.lang).no_admin_listener().to_owned(),
            ));
        }
        Ok(addresses.into_iter().map(Admin::at).collect())
    }
}

impl Answer {
    fn of(admin: &Admin, asked: Result<InForce, AdminError>) -> Self {
        let refused = matches!(asked, Err(AdminError::Refused(_)));
        let (in_force, error) = match asked {
            Ok(in_force) => (Some(in_force), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            admin: admin.authority().to_owned(),
            in_force,
            error,
            refused,
        }
    }
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        let mut page = String::new();
        for answer in &self.services {
            page.push_str(&match &answer.in_force {
                Some(in_force) => words.log_level(
                    &in_force.service,
                    &in_force.level,
                    &in_force.configured,
                    in_force.until.map(beijing).as_deref(),
                ),
                None => words.no_log_level(&answer.admin, answer.error.as_deref().unwrap_or_default()),
            });
        }
        page
    }

    /// `changing`: all of them were to take the level.
    fn exit(&self, changing: bool) -> Result<Exit, Failure> {
        if self.services.iter().any(|answer| answer.refused) {
            return Ok(Exit::No);
        }
        let answered = self.services.iter().filter(|answer| answer.in_force.is_some());
        let missing = self.services.len() - answered.count();
        if changing && (1..self.services.len()).contains(&missing) {
            return Ok(Exit::No);
        }
        match self.services.iter().any(|answer| answer.in_force.is_some()) {
            true => Ok(Exit::Done),
            false => Err(Failure::Unreachable(
                self.services
                    .iter()
                    .map(|answer| {
                        format!(
                            "{}: {}",
                            answer.admin,
                            answer.error.as_deref().unwrap_or_default()
                        )
                    })
                    .collect::<Vec<_>>()
                    .join("\n"),
            )),
        }
    }
}

/// As the service takes it.
fn time_span(text: &str) -> Result<String, String> {
    match humantime::parse_duration(text) {
        Ok(time) if (1..=86_400).contains(&time.as_secs()) => Ok(text.to_owned()),
        _ => Err("must be a time span from 1s to 24h, as in 10m".to_owned()),
    }
}
