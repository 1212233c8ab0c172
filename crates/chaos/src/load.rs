//! The platform: `xiebao simulate`, at a rate that lasts for the whole run.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::process::Child;
use tokio::time::sleep;

use crate::args::Args;
use crate::environment::Environment;
use crate::metrics;

/// The share of notices that are sent a second time.
const DUPLICATES: f64 = 0.2;
/// An hour of the platform takes ten seconds, so it tries for at least fifty seconds before it gives up.
const TIME_SCALE: f64 = 360.0;
const CONNECTIONS: usize = 512;
/// A run in which the platform gives up more than this share of notices shows nothing, and fails.
const GIVEN_UP_AT_MOST: f64 = 0.01;

/// The part of the simulator's report that counts here: the requests, and the comparison with the database.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct LoadReport {
    pub notices: u64,
    pub duplicates: u64,
    pub requests: u64,
    pub acknowledged: u64,
    pub resent: u64,
    pub given_up: u64,
    pub sending_seconds: f64,
    /// Between two acknowledgements.
    pub longest_gap_seconds: f64,
    pub database: Comparison,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Comparison {
    pub compared_proposals: u64,
    pub compared_notices: u64,
    pub compared_rows: u64,
    pub left_out: u64,
    pub findings: Findings,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Findings {
    pub lost: u64,
    pub extra: u64,
    pub differing: u64,
}

pub struct Load(Child);

impl Load {
    pub fn start(environment: &Environment, args: &Args) -> anyhow::Result<Self> {
        let rate = args.notices() as f64 * (1.0 + DUPLICATES) / args.run_length().as_secs_f64();
        let mut command = environment.xiebao(&["simulate", "--json", "--settle", "120"]);
        let options = [
            ("--url", environment.urls.join(",")),
            ("--notices", args.notices().to_string()),
            ("--seed", args.seed.to_string()),
            ("--duplicates", DUPLICATES.to_string()),
            ("--rate", rate.to_string()),
            ("--connections", CONNECTIONS.to_string()),
            ("--time-scale", TIME_SCALE.to_string()),
        ];
        for (option, value) in options {
            command.arg(option).arg(value);
        }
        command
            .stdout(File::create(environment.log("simulate.json"))?)
            .stderr(File::create(environment.log("simulate.log"))?);
        Ok(Self(command.spawn().context("xiebao simulate")?))
    }

    /// Waits for the first notice at a receiver.
    pub async fn begun(&mut self, environment: &Environment) -> anyhow::Result<()> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                bail!(
                    "the load ended before it began ({status}):\n{}",
                    read(environment, "simulate.log")
                );
            }
            for receiver in environment.programs.iter().take(environment.urls.len()) {
                if metrics::notices(&environment.client, receiver.admin)
                    .await
                    .is_some_and(|count| count > 0)
                {
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the comparison at the end of the simulation.
    pub async fn report(mut self, environment: &Environment) -> anyhow::Result<LoadReport> {
        let status = self.0.wait().await?;
        serde_json::from_str(&read(environment, "simulate.json")).with_context(|| {
            format!(
                "no report of the load ({status}):\n{}",
                read(environment, "simulate.log")
            )
        })
    }
}

/// Sends a few stories without faults, to find a service that is ready and does nothing.
pub async fn sample(environment: &Environment, seed: u64) -> anyhow::Result<()> {
    let mut command = environment.xiebao(&["simulate", "--json", "--proposals", "100"]);
    // Other stories than those of the load.
    command
        .arg("--seed")
        .arg((seed ^ (1 << 31)).to_string())
        .arg("--url")
        .arg(environment.urls.join(","));
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await?;
    if !output.status.success() {
        let findings = String::from_utf8_lossy(&output.stdout).into_owned();
        bail!("{findings}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

impl LoadReport {
    /// A message for each way in which the report fails the run.
    pub fn problems(&self) -> Vec<String> {
        let Findings {
            lost,
            extra,
            differing,
        } = self.database.findings;
        let mut problems = Vec::new();
        if lost + extra + differing > 0 {
            problems.push(format!(
                "{lost} lost, {extra} extra, {differing} differing (simulate.json)"
            ));
        }
        let sendings = self.notices + self.duplicates;
        if self.given_up as f64 > sendings as f64 * GIVEN_UP_AT_MOST {
            problems.push(format!(
                "the platform gave up {} of {sendings} notices",
                self.given_up
            ));
        }
        problems
    }
}

fn read(environment: &Environment, name: &str) -> String {
    std::fs::read_to_string(environment.log(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lost: u64, given_up: u64) -> LoadReport {
        let report = serde_json::json!({
            "notices": 1_000, "duplicates": 200, "requests": 1_300, "acknowledged": 1_200, "resent": 100,
            "given_up": given_up, "sending_seconds": 60.0, "longest_gap_seconds": 1.5,
            "database": {
                "compared_proposals": 200, "compared_notices": 1_000, "compared_rows": 900, "left_out": 0,
                "findings": { "lost": lost, "extra": 0, "differing": 0, "first": [] }
            }
        });
        serde_json::from_value(report).expect("the report can be read")
    }

    #[test]
    fn one_lost_notice_fails_the_run() {
        assert!(report(0, 0).problems().is_empty());
        assert_eq!(report(1, 0).problems().len(), 1);
    }

    #[test]
    fn a_platform_that_gives_up_more_than_one_in_a_hundred_fails_the_run() {
        assert!(report(0, 12).problems().is_empty());
        assert_eq!(report(0, 13).problems().len(), 1);
    }
}
