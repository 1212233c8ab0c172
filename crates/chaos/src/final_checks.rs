//! Checks after the last fault.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;
use xiebao_testkit::number;

use crate::args::Args;
use crate::environment::Environment;
use crate::load;
use crate::metrics;

const QUEUES: [&str; 2] = ["xiebao.notices", "xiebao.dead"];
/// The broker updates its counts every five seconds.
const EMPTY_WITHIN: Duration = Duration::from_secs(40);

/// A message for each check that fails.
pub async fn problems(environment: &Environment, args: &Args) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    problems.extend(dead_letters(args).await?);
    problems.extend(rebuilt_rows(environment).await?);
    problems.extend(idle_programs(environment, args.seed).await?);
    for queue in QUEUES {
        problems.extend(left_in(environment, args, queue).await?);
    }
    Ok(problems)
}

/// No story of the simulator ends in a dead letter.
async fn dead_letters(args: &Args) -> anyhow::Result<Option<String>> {
    let count = number(&args.database, "SELECT COUNT(*) FROM dead_letters").await?;
    Ok((count > 0).then(|| format!("{count} dead letters")))
}

/// The business rows are equal to those that `xiebao rebuild` computes from the notices.
async fn rebuilt_rows(environment: &Environment) -> anyhow::Result<Option<String>> {
    let output = environment
        .xiebao(&["rebuild", "--all", "--check"])
        .output()
        .await?;
    let differences = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        println!("rebuild --all --check: no difference");
        return Ok(None);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Ok(Some(format!(
        "xiebao rebuild --all --check ({}): {differences}{errors}",
        output.status
    )))
}

/// Sends a few more stories: they must succeed, and every program must take part in them.
async fn idle_programs(environment: &Environment, seed: u64) -> anyhow::Result<Vec<String>> {
    let before = counts(environment).await;
    let mut problems = Vec::new();
    if let Err(error) = load::sample(environment, seed).await {
        problems.push(format!("stories after the faults fail: {error}"));
    }
    let after = counts(environment).await;
    for ((program, before), after) in environment.programs.iter().zip(before).zip(after) {
        if after <= before {
            println!(
                "!! the end of the log of {}:\n{}",
                program.name,
                program.end_of_log()
            );
            problems.push(format!("{} is ready and does nothing", program.name));
        }
    }
    Ok(problems)
}

async fn counts(environment: &Environment) -> Vec<Option<u64>> {
    let mut counts = Vec::new();
    for program in &environment.programs {
        counts.push(metrics::notices(&environment.client, program.admin).await);
    }
    counts
}

/// Waits until a queue has neither ready nor unacknowledged messages. Returns a message if some remain.
async fn left_in(environment: &Environment, args: &Args, queue: &str) -> anyhow::Result<Option<String>> {
    let deadline = Instant::now() + EMPTY_WITHIN;
    loop {
        let described = describe(environment, args, queue).await;
        let left = described
            .as_ref()
            .ok()
            .and_then(|queue| queue["messages"].as_u64());
        match left {
            Some(0) => return Ok(None),
            _ if Instant::now() < deadline => sleep(Duration::from_millis(250)).await,
            Some(left) => return described.map(|found| Some(left_over(queue, left, &found))),
            None => return described.map(|_| Some(format!("the broker does not count {queue}"))),
        }
    }
}

fn left_over(queue: &str, left: u64, found: &Value) -> String {
    let (ready, unacknowledged) = (&found["messages_ready"], &found["messages_unacknowledged"]);
    let consumers = &found["consumers"];
    format!(
        "{left} messages are left in {queue}: {ready} ready, {unacknowledged} unacknowledged by {consumers} consumers"
    )
}

/// The management interface's description of a queue, from the first node that answers.
pub async fn describe(environment: &Environment, args: &Args, queue: &str) -> anyhow::Result<Value> {
    let vhost = vhost(&args.amqp)?;
    let mut last = None;
    for node in &args.management {
        let address = format!("{}/api/queues/{vhost}/{queue}", node.trim_end_matches('/'));
        let request = environment.client.get(address).timeout(Duration::from_secs(5));
        let answer = async { request.send().await?.error_for_status()?.json().await };
        match answer.await {
            Ok(answer) => return Ok(answer),
            // The address holds a password.
            Err(error) => last = Some(error.without_url()),
        }
    }
    Err(last.context("no management interface is named")?.into())
}

/// The vhost as the address spells it: `%2F`.
fn vhost(amqp: &str) -> anyhow::Result<String> {
    let first = amqp.split(',').next().unwrap_or_default();
    let url = Url::parse(first).context("the broker's address")?;
    let path = url.path().trim_start_matches('/');
    Ok(if path.is_empty() { "%2F" } else { path }.to_owned())
}
