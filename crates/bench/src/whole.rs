//! HTTP to committed rows: the greatest rate that lasts, and how long a notice takes at half of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::args::Args;
use crate::backlog::{Backlog, Order};
use crate::drain::handled;
use crate::figures::Figures;
use crate::judge;
use crate::lag;
use crate::load;
use crate::median;
use crate::service::Service;
use crate::stage::{PATH, Receiver, Stage};
use crate::windows::{Sample, rates};

const CONNECTIONS: usize = 64;
/// Posted at once, and how many may wait between receiver and worker: enough for a worker that never waits, and no more,
/// so that what lasts is measured and not what piles up.
const CHUNK: usize = 1_000;
const MOST_WAITING: f64 = 3_000.0;
const LOOK_EVERY: Duration = Duration::from_millis(20);
const WINDOWS: usize = 5;
/// Notices a second for which there are enough notices where nothing was measured before.
const GUESS: f64 = 6_000.0;
/// At a fixed rate.
const WARM_UP: Duration = Duration::from_secs(2);
/// Connections of the open loop.
const OPEN_CONNECTIONS: usize = 256;
/// A receiver that acknowledges less of a fixed rate was asked too much, and its lag would mean nothing. A short stall of a
/// shared machine is not that.
const KEPT_UP: f64 = 0.9;
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

/// Receiver and worker on one stage, and what they were told so far.
pub struct Whole {
    pub receiver: Receiver,
    pub workers: Vec<Service>,
    /// Last: nobody may use the vhost when it goes.
    pub stage: Stage,
    /// Acknowledged since the beginning.
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
    judge::consistent(&whole.stage, whole.acknowledged).await?;
    whole.stop().await
}

async fn half(args: &Args, whole: &mut Whole, rate: f64, figures: &mut Figures) -> anyhow::Result<()> {
    let duration = args.extent().whole;
    println!("the whole: {rate:.0}/s, {} s", duration.as_secs());
    let bodies = bodies(args.seed + 21, rate, duration + WARM_UP);
    let url = whole.stage.database.url();
    let since = lag::Since::now(&url, &whole.workers).await?;
    whole.send_at(rate, bodies, duration).await?;
    whole.settled().await?;
    let lag = since.measure(&url, &whole.workers, WARM_UP).await?;
    // The row's time is from before the commit, the histogram's buckets are wide: neither shall flatter.
    let p99_ms = lag.p99_ms.max(lag.p99_ms_with_commit);
    figures.add("whole_lag_p50_ms_half", lag.p50_ms);
    figures.add("whole_lag_p99_ms_half", p99_ms);
    figures.add("whole_lag_p999_ms_half", lag.p999_ms.max(p99_ms));
    figures.add("whole_lag_p99_ms_half_histogram", lag.p99_ms_with_commit);
    Ok(())
}

/// Distinct notices for so long at that rate.
pub fn bodies(seed: u64, rate: f64, duration: Duration) -> Arc<[Bytes]> {
    let count = rate * (duration.as_secs_f64() + 1.0);
    Backlog::tell(seed, count as usize, Order::Kept).bodies()
}

impl Whole {
    pub async fn start(args: &Args) -> anyhow::Result<Self> {
        let stage = Stage::set_up(&args.programs).await?;
        let (receiver, mut worker) = (stage.receiver().await?, stage.start_worker()?);
        worker.ready().await?;
        Ok(Self {
            receiver,
            workers: vec![worker],
            stage,
            acknowledged: 0,
        })
    }

    /// Posts as fast as the worker follows; the rate in which it does.
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
        println!(
            "    windows {}",
            windows
                .iter()
                .map(|rate| format!("{rate:.0}"))
                .collect::<Vec<_>>()
                .join(" ")
        );
        Ok(median(&windows))
    }

    async fn send(&mut self, chunk: &[Bytes]) -> anyhow::Result<()> {
        let sent = load::send_all(self.receiver.address, PATH, chunk.into(), CONNECTIONS).await?;
        self.acknowledged += sent.answered;
        Ok(())
    }

    /// Posts at a fixed rate, in notices a second, after a warm-up at the same.
    pub async fn send_at(
        &mut self,
        rate: f64,
        bodies: Arc<[Bytes]>,
        duration: Duration,
    ) -> anyhow::Result<()> {
        let address = self.receiver.address;
        let loaded = load::open(address, PATH, bodies, OPEN_CONNECTIONS, rate, WARM_UP, duration).await?;
        ensure!(loaded.refused == 0, "{} notices were refused", loaded.refused);
        ensure!(
            loaded.rate > rate * KEPT_UP,
            "the receiver acknowledged {:.0} notices a second of {rate:.0}",
            loaded.rate
        );
        self.acknowledged += loaded.answered;
        Ok(())
    }

    /// Waits until the worker has dealt with all that was acknowledged.
    pub async fn settled(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let handled = handled(&self.workers).await?;
            if handled >= self.acknowledged as f64 {
                return Ok(());
            }
            let (acknowledged, worker) = (self.acknowledged, &mut self.workers[0]);
            worker.lives()?;
            ensure!(
                begun.elapsed() < SETTLE_WITHIN,
                "{acknowledged} notices were acknowledged, {handled} dealt with:\n{}",
                worker.last_words()
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
