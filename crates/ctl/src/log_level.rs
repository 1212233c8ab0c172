//! `xiebao log-level`: shows or changes what running services log.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use reqwest::{Method, StatusCode};
use url::form_urlencoded;
use xiebao_desk::log_level::{LogLevel, LogLevels, ServiceAnswer};
use xiebao_runtime::config::Needs;

use crate::admin::Admin;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Asks the services at receiver.admin_listen and worker.admin_listen, on this machine: a level is changed from the machine,
or the Pod, where the service runs. The change ends with the service. Exit code 1 if a service refuses or not all of them take a new
level, 3 if none answers.

Examples:
  xiebao log-level
  xiebao log-level debug --for 10m
  xiebao log-level info --service worker
  kubectl exec deploy/xiebao-worker -- xiebao log-level debug --for 10m";

/// Show or change the log level of running services, without a restart
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The new level [default: only show the current one]
    #[arg(value_parser = ["error", "warn", "info", "debug", "trace"])]
    level: Option<String>,
    /// Return to the configured level after this time (1s to 24h)
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

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let mut levels = LogLevels { services: vec![] };
    for admin in args.listeners(context)? {
        levels.services.push(args.ask(&admin).await);
    }
    if args.json {
        show_json(&levels)?;
    } else {
        show(&levels.page(context.words()))?;
    }
    exit(&levels, args.level.is_some())
}

impl Args {
    /// The listeners to ask, each once: in containers both services may have the same address.
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
            return Err(Failure::Usage(context.words().no_admin_listener().to_owned()));
        }
        Ok(addresses.into_iter().map(Admin::at).collect())
    }

    /// Asks for the level, or for a new one.
    async fn ask(&self, admin: &Admin) -> ServiceAnswer {
        let path = match &self.time {
            Some(time) => {
                let time: String = form_urlencoded::byte_serialize(time.as_bytes()).collect();
                format!("/log-level?for={time}")
            }
            None => "/log-level".to_owned(),
        };
        let answer = match &self.level {
            Some(level) => admin.exchange(Method::PUT, &path, level, PATIENCE).await,
            None => admin.exchange(Method::GET, "/log-level", "", PATIENCE).await,
        };
        let refusal = |problem: String| (Some(problem), true);
        let mut in_force = None;
        let (error, refused) = match answer {
            Err(problem) => (Some(problem), false),
            Ok((StatusCode::OK, text)) => {
                in_force = LogLevel::read(&text);
                match in_force {
                    Some(_) => (None, false),
                    None => refusal("the answer is not from a service of this product".to_owned()),
                }
            }
            Ok((_, text)) => refusal(text.trim().to_owned()),
        };
        ServiceAnswer {
            admin: admin.authority().to_owned(),
            in_force,
            error,
            refused,
        }
    }
}

/// `changing`: all services should take the level.
fn exit(levels: &LogLevels, changing: bool) -> Result<Exit, Failure> {
    let services = &levels.services;
    if services.iter().any(|answer| answer.refused) {
        return Ok(Exit::No);
    }
    let missing = services.iter().filter(|answer| answer.in_force.is_none()).count();
    if changing && (1..services.len()).contains(&missing) {
        return Ok(Exit::No);
    }
    if missing < services.len() {
        return Ok(Exit::Done);
    }
    let problems = services.iter().map(|answer| {
        format!(
            "{}: {}",
            answer.admin,
            answer.error.as_deref().unwrap_or_default()
        )
    });
    Err(Failure::Unreachable(problems.collect::<Vec<_>>().join("\n")))
}

/// A time span in the form that services take.
fn time_span(text: &str) -> Result<String, String> {
    match humantime::parse_duration(text) {
        Ok(time) if (1..=86_400).contains(&time.as_secs()) => Ok(text.to_owned()),
        _ => Err("must be a time span from 1s to 24h, as in 10m".to_owned()),
    }
}
