//! What must be true when the faults are over.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;
use xiebao_testkit::number;

use crate::args::Args;
use crate::load;
use crate::metrics;
use crate::stage::Stage;

const QUEUES: [&str; 2] = ["xiebao.notices", "xiebao.dead"];
/// The broker counts every five seconds.
const EMPTY_WITHIN: Duration = Duration::from_secs(40);

/// What is wrong, in words.
pub async fn problems(stage: &Stage, args: &Args) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    problems.extend(dead_letters(args).await?);
    problems.extend(rebuilt_rows(stage).await?);
    problems.extend(idle_programs(stage, args.seed).await?);
    for queue in QUEUES {
        problems.extend(left_in(stage, args, queue).await?);
    }
    Ok(problems)
}

/// No story of the simulator's ends in one.
async fn dead_letters(args: &Args) -> anyhow::Result<Option<String>> {
    let count = number(&args.database, "SELECT COUNT(*) FROM dead_letters").await?;
    Ok((count > 0).then(|| format!("{count} dead letters")))
}

/// The business rows are what the notices alone make of them.
async fn rebuilt_rows(stage: &Stage) -> anyhow::Result<Option<String>> {
    let output = stage.xiebao(&["rebuild", "--all", "--check"]).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        println!("rebuild --all --check: no difference");
        return Ok(None);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Ok(Some(format!(
        "xiebao rebuild --all --check ({}): {said}{errors}",
        output.status
    )))
}

/// Everybody takes part in a few more stories, and these end well.
async fn idle_programs(stage: &Stage, seed: u64) -> anyhow::Result<Vec<String>> {
    let before = counts(stage).await;
    let mut problems = Vec::new();
    if let Err(error) = load::sample(stage, seed).await {
        problems.push(format!("stories after the faults do not end well: {error}"));
    }
    let after = counts(stage).await;
    for ((program, before), after) in stage.programs.iter().zip(before).zip(after) {
        if after <= before {
            println!(
                "!! the end of the log of {}:\n{}",
                program.name,
                program.last_words()
            );
            problems.push(format!("{} says that it is ready and does nothing", program.name));
        }
    }
    Ok(problems)
}

async fn counts(stage: &Stage) -> Vec<Option<u64>> {
    let mut counts = Vec::new();
    for program in &stage.programs {
        counts.push(metrics::notices(&stage.client, program.admin).await);
    }
    counts
}

/// What was taken is acknowledged: nothing is ready, nothing is in a worker's hands.
async fn left_in(stage: &Stage, args: &Args, queue: &str) -> anyhow::Result<Option<String>> {
    let deadline = Instant::now() + EMPTY_WITHIN;
    loop {
        let described = describe(stage, args, queue).await;
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
    let (ready, taken) = (&found["messages_ready"], &found["messages_unacknowledged"]);
    let consumers = &found["consumers"];
    format!(
        "{left} messages are left in {queue}: {ready} ready, {taken} in the hands of {consumers} consumers"
    )
}

/// What the broker says of a queue, asked of whichever node answers.
pub async fn describe(stage: &Stage, args: &Args, queue: &str) -> anyhow::Result<Value> {
    let vhost = vhost(&args.amqp)?;
    let mut last = None;
    for node in &args.management {
        let address = format!("{}/api/queues/{vhost}/{queue}", node.trim_end_matches('/'));
        let request = stage.client.get(address).timeout(Duration::from_secs(5));
        let answer = async { request.send().await?.error_for_status()?.json().await };
        match answer.await {
            Ok(answer) => return Ok(answer),
            // Without the address, which holds a password.
            Err(error) => last = Some(error.without_url()),
        }
    }
    Err(last.context("no management interface is named")?.into())
}

/// As it stands in an address: `%2F`.
fn vhost(amqp: &str) -> anyhow::Result<String> {
    let first = amqp.split(',').next().unwrap_or_default();
    let url = Url::parse(first).context("the broker's address")?;
    let path = url.path().trim_start_matches('/');
    Ok(if path.is_empty() { "%2F" } else { path }.to_owned())
}
