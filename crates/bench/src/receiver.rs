//! Measures the receiver in turn with the raw programs, so that both figures of a ratio come from the same minutes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;

use crate::args::{Args, Part};
use crate::backlog::{Backlog, Order};
use crate::ceilings::{RawBroker, RawHttp};
use crate::environment::{Environment, QUEUE, Receiver};
use crate::figures::Figures;
use crate::load::{Load, LoadFigures};

mod rounds;

pub use rounds::FEW;

/// Distinct notices that are sent over and over. The receiver does not recognise repetitions.
const BODIES: usize = 20_000;
/// Connections of the open loop: enough for answers that take 50 ms at 10,000 a second.
const OPEN_CONNECTIONS: usize = 512;

/// The duration of the receiver's measurements.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// How often everything is measured; the medians count.
    pub rounds: usize,
    pub warm_up: Duration,
    /// The length and number of the windows of a closed loop.
    pub window: Duration,
    pub windows: usize,
    /// The duration of an open loop.
    pub fixed: Duration,
}

/// The receiver under test, and the raw programs beside it.
struct Bench {
    receiver: Receiver,
    bodies: Arc<[Bytes]>,
    lengths: Lengths,
    raw_broker: RawBroker,
    raw_http: RawHttp,
    /// Dropped last: the vhost must have no client then.
    environment: Environment,
}

/// One load on the receiver.
#[derive(Debug, Clone)]
struct ReceiverFigures {
    load: LoadFigures,
    /// Processor time of the receiver, in milliseconds for a thousand acknowledged notices.
    cpu_ms_per_1000: f64,
}

/// Measures the receiver in closed and open loops beside the ceilings, or the raw broker alone.
pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let bodies = Backlog::generate(args.seed, BODIES, Order::Kept).bodies();
    println!("raw broker: sweep");
    let raw_broker = RawBroker::sweep(args, &bodies, figures).await?;
    if !args.measures(Part::Receiver) {
        figures.note("raw_broker_rate", raw_broker.rate().await?);
        figures.note("raw_broker_p99_ms_2000", raw_broker.p99_ms(2_000.0).await?);
        return Ok(());
    }
    let environment = Environment::set_up(&args.programs).await?;
    let bench = Bench {
        receiver: environment.receiver().await?,
        bodies,
        lengths: args.extent().receiver,
        raw_broker,
        raw_http: RawHttp::start(args).await?,
        environment,
    };
    for round in 0..bench.lengths.rounds {
        println!("receiver, round {} of {}", round + 1, bench.lengths.rounds);
        bench.closed_loops(round, figures).await?;
        bench.fixed_rates(round, figures).await?;
    }
    bench.empty_queue().await;
    rounds::note_possible_rates(figures);
    figures.note("receiver_rss_mb", bench.receiver.service.usage()?.peak_rss_mb);
    bench.receiver.service.stop().await
}

impl Bench {
    async fn closed(&self, connections: usize) -> anyhow::Result<ReceiverFigures> {
        let load = self.load(connections);
        let Lengths {
            warm_up,
            window,
            windows,
            ..
        } = self.lengths;
        self.with_cpu(load.closed(warm_up, window, windows)).await
    }

    async fn fixed_rate(&self, rate: f64) -> anyhow::Result<ReceiverFigures> {
        let Lengths { warm_up, fixed, .. } = self.lengths;
        self.with_cpu(self.load(OPEN_CONNECTIONS).open(rate, warm_up, fixed))
            .await
    }

    /// The rate of a closed loop against a server that only acknowledges.
    async fn raw_http_rate(&self, connections: usize) -> anyhow::Result<f64> {
        let load = Load {
            address: self.raw_http.address,
            ..self.load(connections)
        };
        let Lengths {
            warm_up,
            window,
            windows,
            ..
        } = self.lengths;
        Ok(load.closed(warm_up, window, windows).await?.rate)
    }

    fn load(&self, connections: usize) -> Load {
        self.receiver.load(Arc::clone(&self.bodies), connections)
    }

    async fn with_cpu(
        &self,
        load: impl Future<Output = anyhow::Result<LoadFigures>>,
    ) -> anyhow::Result<ReceiverFigures> {
        let before = self.receiver.service.usage()?.cpu_seconds;
        let load = load.await?;
        let cpu_ms = (self.receiver.service.usage()?.cpu_seconds - before) * 1_000.0;
        ensure!(load.refused == 0, "{} notices were refused", load.refused);
        let thousands = (load.answered as f64 / 1_000.0).max(f64::EPSILON);
        Ok(ReceiverFigures {
            cpu_ms_per_1000: cpu_ms / thousands,
            load,
        })
    }

    /// Removes the messages of the last measurement, so that each one meets the broker in the same state.
    async fn empty_queue(&self) {
        self.environment.broker.purge(QUEUE).await;
    }
}

impl std::fmt::Display for ReceiverFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LoadFigures {
            rate,
            p50_ms,
            p99_ms,
            p999_ms,
            ..
        } = self.load;
        write!(
            f,
            "{rate:>8.0}/s  p50 {p50_ms:>6.2}  p99 {p99_ms:>6.2}  p99.9 {p999_ms:>6.2} ms  {:>5.1} ms CPU per 1,000",
            self.cpu_ms_per_1000
        )
    }
}
