//! From the HTTP request to committed rows: the highest sustained rate, and the lag at half of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::args::Args;
use crate::backlog::{Backlog, Order};
use crate::drain::handled;
use crate::environment::{Environment, Receiver};
use crate::figures::Figures;
use crate::judge;
use crate::lag;
use crate::median;
use crate::service::Service;
use crate::windows::{Sample, listed, rates};

const CONNECTIONS: usize = 64;
/// Notices posted at once, and the most that wait between receiver and worker: enough to keep the worker busy, and
/// few enough that the sustained rate is measured, not the growth of the queue.
const CHUNK: usize = 1_000;
const MOST_WAITING: f64 = 3_000.0;
const LOOK_EVERY: Duration = Duration::from_millis(20);
const WINDOWS: usize = 5;
/// Notices a second to generate if the worker was not measured before.
const GUESS: f64 = 6_000.0;
/// Before a fixed rate counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// Connections of the open loop.
const OPEN_CONNECTIONS: usize = 256;
/// The least share of a fixed rate that the receiver must acknowledge, or the rate was too high and the lag means
/// nothing. The limit leaves room for a short stall of a shared machine.
const KEPT_UP: f64 = 0.9;
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

/// A receiver and a worker, and the notices sent so far.
pub struct Whole {
    pub receiver: Receiver,
    pub workers: Vec<Service>,
    /// Dropped last: the vhost must have no client then.
    pub environment: Environment,
    /// Notices acknowledged since the start.
    pub acknowledged: u64,
}

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let duration = args.extent().whole;
    println!("the whole: as much as lasts, {} s", duration.as_secs());
    let mut whole = Whole::start(args).await?;
    let guess = figures.get("worker_rate_in_order").unwrap_or(GUESS);
    let bodies = bodies(args.seed + 20, guess, duration);
    let rate = whole.most(&bodies, duration).await?;
    figures.add("whole_rate", rate);
    whole.settled().await?;
    half(args, &mut whole, rate / 2.0, figures).await?;
    whole.note_memory(figures)?;
    judge::consistent(&whole.environment, whole.acknowledged).await?;
    whole.stop().await
}

async fn half(args: &Args, whole: &mut Whole, rate: f64, figures: &mut Figures) -> anyhow::Result<()> {
    let duration = args.extent().whole;
    println!("the whole: {rate:.0}/s, {} s", duration.as_secs());
    let bodies = bodies(args.seed + 21, rate, duration + WARM_UP);
    let url = whole.environment.database.url();
    let since = lag::Since::now(&url, &whole.workers).await?;
    whole.send_at(rate, bodies, duration).await?;
    whole.settled().await?;
    let lag = since.measure(&url, &whole.workers, WARM_UP).await?;
    // The rows' time ends before the commit, and the histogram's buckets are wide: the higher figure counts.
    let p99_ms = lag.p99_ms.max(lag.p99_ms_with_commit);
    figures.add("whole_lag_p50_ms_half", lag.p50_ms);
    figures.add("whole_lag_p99_ms_half", p99_ms);
    figures.add("whole_lag_p999_ms_half", lag.p999_ms.max(p99_ms));
    figures.add("whole_lag_p99_ms_half_histogram", lag.p99_ms_with_commit);
    Ok(())
}

/// Distinct notices for this duration at this rate.
pub fn bodies(seed: u64, rate: f64, duration: Duration) -> Arc<[Bytes]> {
    let count = rate * (duration.as_secs_f64() + 1.0);
    Backlog::generate(seed, count as usize, Order::Kept).bodies()
}

impl Whole {
    pub async fn start(args: &Args) -> anyhow::Result<Self> {
        let environment = Environment::set_up(&args.programs).await?;
        let (receiver, mut worker) = (environment.receiver().await?, environment.start_worker()?);
        worker.ready().await?;
        Ok(Self {
            receiver,
            workers: vec![worker],
            environment,
            acknowledged: 0,
        })
    }

    /// Posts as fast as the worker follows, and returns the rate at which it does.
    async fn most(&mut self, bodies: &[Bytes], duration: Duration) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let mut samples: Vec<Sample> = vec![(0.0, 0.0)];
        let mut chunks = bodies.chunks(CHUNK);
        while begun.elapsed() < duration {
            let handled = handled(&self.workers).await?;
            samples.push((begun.elapsed().as_secs_f64(), handled));
            if self.acknowledged as f64 - handled > MOST_WAITING {
                sleep(LOOK_EVERY).await;
                continue;
            }
            let Some(chunk) = chunks.next() else { break };
            self.send(chunk).await?;
        }
        let windows = rates(&samples, WINDOWS);
        println!("    windows {}", listed(&windows));
        Ok(median(&windows))
    }

    async fn send(&mut self, chunk: &[Bytes]) -> anyhow::Result<()> {
        self.acknowledged += self.receiver.load(chunk.into(), CONNECTIONS).once().await?;
        Ok(())
    }

    /// Posts at a fixed rate (notices a second), after a warm-up at the same rate.
    pub async fn send_at(
        &mut self,
        rate: f64,
        bodies: Arc<[Bytes]>,
        duration: Duration,
    ) -> anyhow::Result<()> {
        let load = self.receiver.load(bodies, OPEN_CONNECTIONS);
        let figures = load.open(rate, WARM_UP, duration).await?;
        ensure!(figures.refused == 0, "{} notices were refused", figures.refused);
        ensure!(
            figures.rate > rate * KEPT_UP,
            "the receiver acknowledged {:.0} notices a second of {rate:.0}",
            figures.rate
        );
        self.acknowledged += figures.answered;
        Ok(())
    }

    /// Waits until the worker has handled every acknowledged notice.
    pub async fn settled(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let handled = handled(&self.workers).await?;
            if handled >= self.acknowledged as f64 {
                return Ok(());
            }
            let (acknowledged, worker) = (self.acknowledged, &mut self.workers[0]);
            worker.ensure_running()?;
            ensure!(
                begun.elapsed() < SETTLE_WITHIN,
                "{acknowledged} notices were acknowledged, {handled} dealt with:\n{}",
                worker.end_of_log()
            );
            sleep(LOOK_EVERY).await;
        }
    }

    fn note_memory(&self, figures: &mut Figures) -> anyhow::Result<()> {
        figures.add(
            "whole_receiver_rss_mb",
            self.receiver.service.usage()?.peak_rss_mb,
        );
        let worker = self.workers[0].usage()?.peak_rss_mb;
        figures.add("whole_worker_rss_mb", worker);
        figures.at_least("worker_rss_mb", worker);
        Ok(())
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.receiver.service.stop().await?;
        for worker in self.workers {
            worker.stop().await?;
        }
        Ok(())
    }
}
