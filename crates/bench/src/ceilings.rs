//! The raw programs, which measure broker, database and HTTP alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use xiebao_testkit::{Broker, Database};

use crate::args::Args;
use crate::environment::Environment;
use crate::extent::Extent;
use crate::figures::Figures;
use crate::receiver::FEW;

/// Publishes to a queue of its own, with the settings that a sweep found best.
#[derive(Debug)]
pub struct RawBroker {
    program: PathBuf,
    extent: Extent,
    broker: Broker,
    bodies: NamedTempFile,
    best: Vec<String>,
    /// The settings with [`FEW`] in flight.
    best_of_few: Vec<String>,
}

impl RawBroker {
    /// Finds the best settings.
    ///
    /// # Errors
    /// If the program can't be run.
    pub async fn sweep(args: &Args, bodies: &[Bytes], figures: &mut Figures) -> anyhow::Result<Self> {
        let mut raw = Self {
            program: args.programs.join("raw-broker"),
            extent: args.extent(),
            broker: Broker::new().await,
            bodies: written(bodies)?,
            best: Vec::new(),
            best_of_few: Vec::new(),
        };
        let sweep = ["--sweep", raw.extent.sweep].map(str::to_owned);
        let answer = raw.run(raw.extent.sweep_seconds, &sweep).await?;
        let names = [("channels", "--channels"), ("in_flight", "--in-flight")];
        raw.best = options(&answer, &names)?;
        raw.best_of_few = options(best_where(&answer, "in_flight", FEW)?, &names)?;
        figures.add("raw_broker_channels", field(&answer, "channels")?);
        figures.add("raw_broker_in_flight", field(&answer, "in_flight")?);
        Ok(raw)
    }

    /// Confirmed messages a second.
    pub async fn rate(&self) -> anyhow::Result<f64> {
        field(&self.run(self.extent.ceiling_seconds, &self.best).await?, "rate")
    }

    /// Confirmed messages a second with [`FEW`] messages in flight.
    pub async fn rate_of_few(&self) -> anyhow::Result<f64> {
        let answer = self.run(self.extent.ceiling_seconds, &self.best_of_few).await?;
        field(&answer, "rate")
    }

    /// The 99th percentile of the confirm in milliseconds, at a fixed rate (messages a second).
    pub async fn p99_ms(&self, rate: f64) -> anyhow::Result<f64> {
        let seconds = u32::try_from(self.extent.receiver.fixed.as_secs().max(1))?;
        let answer = self
            .run(seconds, &["--rate".to_owned(), rate.to_string()])
            .await?;
        field(&answer, "p99_ms")
    }

    async fn run(&self, seconds: u32, options: &[String]) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.program);
        command.arg("--url").arg(self.broker.url());
        command.arg("--bodies").arg(self.bodies.path());
        command.arg("--seconds").arg(seconds.to_string());
        answer(command.args(options), &self.program).await
    }
}

/// A server that acknowledges every request, until it is dropped.
#[derive(Debug)]
pub struct RawHttp {
    pub address: SocketAddr,
    /// Killed on drop.
    _program: Child,
}

impl RawHttp {
    /// Starts the server.
    ///
    /// # Errors
    /// If the program can't be run.
    pub async fn start(args: &Args) -> anyhow::Result<Self> {
        let program = args.programs.join("raw-http");
        let mut started = Command::new(&program)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        let output = started.stdout.take().context("its output is a pipe")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let printed: Value = serde_json::from_str(&line.unwrap_or_default())
            .with_context(|| format!("{} does not print its address", program.display()))?;
        let address = printed["address"].as_str().context("no address")?.parse()?;
        Ok(Self {
            address,
            _program: started,
        })
    }
}

/// Inserts the rows that a worker has written, into a database of its own.
#[derive(Debug)]
pub struct RawDatabase {
    program: PathBuf,
    extent: Extent,
    best: Option<Vec<String>>,
}

impl RawDatabase {
    pub fn new(args: &Args) -> Self {
        Self {
            program: args.programs.join("raw-database"),
            extent: args.extent(),
            best: None,
        }
    }

    /// Notes the figures of the raw database; the first call is a sweep.
    pub async fn measure(&mut self, filled: &Environment, figures: &mut Figures) -> anyhow::Result<()> {
        let answer = match &self.best {
            Some(best) => self.run(filled, self.extent.ceiling_seconds, best).await?,
            None => {
                let sweep = ["--sweep", self.extent.sweep].map(str::to_owned);
                let answer = self.run(filled, self.extent.sweep_seconds, &sweep).await?;
                figures.note("raw_database_rate_several_connections", field(&answer, "rate")?);
                figures.note("raw_database_rows_per_notice", field(&answer, "rows_per_notice")?);
                let best = best_on_one_connection(&answer)?;
                figures.note("raw_database_batch", field(best, "batch")?);
                let names = [("batch", "--batch"), ("connections", "--connections")];
                self.best = Some(options(best, &names)?);
                return Box::pin(self.measure(filled, figures)).await;
            }
        };
        figures.add("raw_database_rate", field(&answer, "rate")?);
        Ok(())
    }

    async fn run(&self, filled: &Environment, seconds: u32, options: &[String]) -> anyhow::Result<Value> {
        let scratch = Database::new().await;
        let mut command = Command::new(&self.program);
        command.arg("--from").arg(filled.database.url());
        command.arg("--into").arg(scratch.url());
        command.arg("--seconds").arg(seconds.to_string());
        answer(command.args(options), &self.program).await
    }
}

/// The best point with one connection. The ceiling of the broker is that of one connection too; the rate of several
/// connections is a figure beside it.
fn best_on_one_connection(answer: &Value) -> anyhow::Result<&Value> {
    best_where(answer, "connections", 1)
}

/// The best point of a sweep among those with that setting.
fn best_where<'a>(answer: &'a Value, setting: &str, value: usize) -> anyhow::Result<&'a Value> {
    let points = answer["sweep"].as_array().context("no sweep")?;
    let candidates = points.iter().filter(|point| point[setting] == value);
    let rate = |point: &Value| point["rate"].as_f64().unwrap_or_default();
    let best = candidates.max_by(|one, other| rate(one).total_cmp(&rate(other)));
    best.with_context(|| format!("the sweep has no point with {value} {setting}"))
}

/// Writes one body a line, without the bodies that contain a line break.
fn written(bodies: &[Bytes]) -> anyhow::Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    let lines: Vec<&[u8]> = bodies
        .iter()
        .map(|body| &body[..])
        .filter(|body| !body.contains(&b'\n'))
        .collect();
    std::fs::write(file.path(), lines.join(&b'\n'))?;
    Ok(file)
}

/// Runs a raw program and returns its JSON. Its standard error, with the points of a sweep, is passed through.
async fn answer(command: &mut Command, program: &Path) -> anyhow::Result<Value> {
    command
        .arg("--json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let started = command
        .spawn()
        .with_context(|| format!("{} can't be started", program.display()))?;
    let output = started.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "{} ({})",
        program.display(),
        output.status
    );
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} does not answer in JSON", program.display()))
}

fn field(answer: &Value, name: &str) -> anyhow::Result<f64> {
    answer[name]
        .as_f64()
        .with_context(|| format!("no {name} in {answer}"))
}

/// The best point of a sweep, as options of the raw program.
fn options(answer: &Value, names: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
    let mut options = Vec::new();
    for (name, option) in names {
        options.extend([(*option).to_owned(), field(answer, name)?.to_string()]);
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_written_one_a_line() {
        let bodies = [&b"{}"[..], b"{\n}", b"[]"].map(Bytes::from_static);
        let file = written(&bodies).expect("a temporary file");
        assert_eq!(std::fs::read(file.path()).expect("it was written"), b"{}\n[]");
    }

    #[test]
    fn the_ceiling_is_the_best_rate_of_one_connection() {
        let answer = serde_json::json!({ "rate": 70_000, "sweep": [
            { "connections": 1, "batch": 10, "rate": 11_000 },
            { "connections": 1, "batch": 500, "rate": 37_000 },
            { "connections": 4, "batch": 500, "rate": 70_000 },
        ] });
        let best = best_on_one_connection(&answer).expect("there is one");
        assert_eq!((&best["batch"], &best["rate"]), (&500.into(), &37_000.into()));
    }

    #[test]
    fn the_best_point_becomes_options() {
        let answer = serde_json::json!({ "rate": 24_000.5, "channels": 2, "in_flight": 256 });
        let names = [("channels", "--channels"), ("in_flight", "--in-flight")];
        let options = options(&answer, &names).expect("both are there");
        assert_eq!(options, ["--channels", "2", "--in-flight", "256"]);
    }
}
