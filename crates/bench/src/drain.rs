//! Workers emptying a queue that was filled before they came.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use crate::backlog::Backlog;
use crate::load;
use crate::median;
use crate::service::Service;
use crate::stage::{PATH, Stage};
use crate::windows::{Sample, rates};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Workers that do nothing for so long do nothing more.
const PATIENCE: Duration = Duration::from_secs(60);
const WINDOWS: usize = 5;
/// Connections that the queue is filled by.
const CONNECTIONS: usize = 64;

/// What draining came to.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Deliveries a second: the median of the windows.
    pub rate: f64,
    /// Over all of it, the start of the workers included.
    pub overall: f64,
    pub windows: Vec<f64>,
    /// Of all workers.
    pub cpu_seconds_per_1000: f64,
    /// Of the greatest worker, in MB.
    pub peak_rss_mb: f64,
    /// Transactions that lost a race for a lock, of a thousand.
    pub conflicts_per_1000: f64,
}

/// Posts everything while no worker runs.
pub async fn fill(stage: &Stage, backlog: &Backlog) -> anyhow::Result<()> {
    let receiver = stage.receiver().await?;
    load::send_all(receiver.address, PATH, backlog.bodies(), CONNECTIONS).await?;
    receiver.service.stop().await
}

/// Starts workers, and stops them when they have dealt with so many deliveries.
pub async fn drain(stage: &Stage, deliveries: usize, workers: usize) -> anyhow::Result<Drained> {
    let workers: anyhow::Result<Vec<Service>> = (0..workers).map(|_| stage.start_worker()).collect();
    let mut workers = workers?;
    let samples = watch(&mut workers, deliveries as f64).await?;
    let drained = sum_up(&workers, &samples).await?;
    for worker in workers {
        worker.stop().await?;
    }
    println!(
        "    {:.0}/s overall; windows {}",
        drained.overall,
        drained
            .windows
            .iter()
            .map(|rate| format!("{rate:.0}"))
            .collect::<Vec<_>>()
            .join(" ")
    );
    Ok(drained)
}

async fn watch(workers: &mut [Service], deliveries: f64) -> anyhow::Result<Vec<Sample>> {
    let begun = Instant::now();
    for worker in workers.iter_mut() {
        worker.ready().await?;
    }
    let mut samples = vec![(0.0, 0.0)];
    let (mut latest, mut moved) = (0.0, Instant::now());
    while latest < deliveries {
        for worker in workers.iter_mut() {
            worker.lives()?;
        }
        let count = handled(workers).await?;
        samples.push((begun.elapsed().as_secs_f64(), count));
        if count > latest {
            (latest, moved) = (count, Instant::now());
        }
        ensure!(
            moved.elapsed() < PATIENCE,
            "the workers have stopped at {latest} of {deliveries} deliveries:\n{}",
            workers[0].last_words()
        );
        sleep(LOOK_EVERY).await;
    }
    Ok(samples)
}

/// Deliveries that workers say they have dealt with, whatever became of them.
pub async fn handled(workers: &[Service]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.metrics().await?.sum("xiebao_worker_notices_total");
    }
    Ok(sum)
}

async fn sum_up(workers: &[Service], samples: &[Sample]) -> anyhow::Result<Drained> {
    let (seconds, count) = *samples.last().context("nobody has looked")?;
    let windows = rates(samples, WINDOWS);
    let (mut cpu, mut peak, mut conflicts, mut transactions) = (0.0, 0.0_f64, 0.0, 0.0);
    for worker in workers {
        let (usage, metrics) = (worker.usage()?, worker.metrics().await?);
        cpu += usage.cpu_seconds;
        peak = peak.max(usage.peak_rss_mb);
        conflicts += metrics.sum("xiebao_worker_lock_conflicts_total");
        transactions += metrics.sum("xiebao_worker_transaction_seconds_count");
    }
    Ok(Drained {
        rate: median(&windows),
        overall: count / seconds,
        windows,
        cpu_seconds_per_1000: cpu / (count / 1_000.0),
        peak_rss_mb: peak,
        conflicts_per_1000: conflicts / f64::max(transactions, 1.0) * 1_000.0,
    })
}
