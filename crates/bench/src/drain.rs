//! Workers that drain a queue, filled before they start.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use crate::backlog::Backlog;
use crate::environment::Environment;
use crate::median;
use crate::service::Service;
use crate::windows::{Sample, listed, rates};

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Workers that handle nothing for this long are stuck.
const PATIENCE: Duration = Duration::from_secs(60);
const WINDOWS: usize = 5;
/// Connections that fill the queue.
const CONNECTIONS: usize = 64;

/// The figures of a drain.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Deliveries a second: the median of the windows.
    pub rate: f64,
    /// Over the whole drain, with the start of the workers.
    pub overall: f64,
    /// Processor time of all workers.
    pub cpu_seconds_per_1000: f64,
    /// Peak resident memory of the largest worker, in MiB.
    pub peak_rss_mb: f64,
    /// Transactions that lost a lock conflict, in a thousand.
    pub conflicts_per_1000: f64,
}

/// Posts the whole backlog while no worker runs.
pub async fn fill(environment: &Environment, backlog: &Backlog) -> anyhow::Result<()> {
    let receiver = environment.receiver().await?;
    receiver.load(backlog.bodies(), CONNECTIONS).once().await?;
    receiver.service.stop().await
}

/// Starts workers, and stops them when they have handled this number of deliveries.
pub async fn drain(environment: &Environment, deliveries: usize, workers: usize) -> anyhow::Result<Drained> {
    let workers: anyhow::Result<Vec<Service>> = (0..workers).map(|_| environment.start_worker()).collect();
    let mut workers = workers?;
    let samples = watch(&mut workers, deliveries as f64).await?;
    let windows = rates(&samples, WINDOWS);
    let drained = sum_up(&workers, &samples, &windows).await?;
    for worker in workers {
        worker.stop().await?;
    }
    println!(
        "    {:.0}/s overall; windows {}",
        drained.overall,
        listed(&windows)
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
            worker.ensure_running()?;
        }
        let count = handled(workers).await?;
        samples.push((begun.elapsed().as_secs_f64(), count));
        if count > latest {
            (latest, moved) = (count, Instant::now());
        }
        ensure!(
            moved.elapsed() < PATIENCE,
            "the workers are stuck at {latest} of {deliveries} deliveries:\n{}",
            workers[0].end_of_log()
        );
        sleep(LOOK_EVERY).await;
    }
    Ok(samples)
}

/// The deliveries that the workers have handled, with any result.
pub async fn handled(workers: &[Service]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.metrics().await?.sum("xiebao_worker_notices_total");
    }
    Ok(sum)
}

async fn sum_up(workers: &[Service], samples: &[Sample], windows: &[f64]) -> anyhow::Result<Drained> {
    let (seconds, count) = *samples.last().context("no sample was taken")?;
    let (mut cpu, mut peak, mut conflicts, mut transactions) = (0.0, 0.0_f64, 0.0, 0.0);
    for worker in workers {
        let (usage, metrics) = (worker.usage()?, worker.metrics().await?);
        cpu += usage.cpu_seconds;
        peak = peak.max(usage.peak_rss_mb);
        conflicts += metrics.sum("xiebao_worker_lock_conflicts_total");
        transactions += metrics.sum("xiebao_worker_transaction_seconds_count");
    }
    Ok(Drained {
        rate: median(windows),
        overall: count / seconds,
        cpu_seconds_per_1000: cpu / (count / 1_000.0),
        peak_rss_mb: peak,
        conflicts_per_1000: conflicts / f64::max(transactions, 1.0) * 1_000.0,
    })
}
