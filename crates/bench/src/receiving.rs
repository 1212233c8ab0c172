//! The receiver and the raw broker in turn.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::args::{Args, Part};
use crate::backlog::{Backlog, Order};
use crate::ceilings::{RawBroker, RawHttp};
use crate::figures::Figures;
use crate::receiver::{self, Beside};
use crate::report::Results;
use crate::stage::{PATH, QUEUE, Stage};

/// Distinct notices that are sent again and again: to the receiver, all are new.
const BODIES: usize = 20_000;

/// What stands beside the receiver.
struct Beneath<'s> {
    stage: &'s Stage,
    raw: RawBroker,
    http: RawHttp,
}

pub async fn measure(args: &Args, results: &mut Results, figures: &mut Figures) -> anyhow::Result<()> {
    let bodies = Backlog::tell(args.seed, BODIES, Order::Kept).bodies();
    println!("raw broker: sweep");
    let raw = RawBroker::sweep(args, &bodies, figures).await?;
    if args.measures(Part::Receiver) {
        return beside(args, raw, bodies, results).await;
    }
    results.raw_broker_rate = Some(raw.rate().await?);
    results.raw_broker_p99_ms_2000 = Some(raw.p99_ms(2_000.0).await?);
    Ok(())
}

async fn beside(
    args: &Args,
    raw: RawBroker,
    bodies: Arc<[Bytes]>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let stage = Stage::set_up(&args.programs).await?;
    let running = stage.receiver().await?;
    let receiver = receiver::Receiver {
        address: running.address,
        path: PATH.to_owned(),
        pid: running.service.id(),
        bodies,
    };
    let mut beneath = Beneath {
        stage: &stage,
        raw,
        http: RawHttp::start(args).await?,
    };
    receiver::measure(&receiver, &mut beneath, args.extent().receiver, results).await?;
    running.service.stop().await
}

impl Beside for Beneath<'_> {
    async fn raw_rate(&mut self) -> anyhow::Result<f64> {
        self.raw.rate().await
    }

    async fn raw_rate_of_few(&mut self) -> anyhow::Result<f64> {
        self.raw.rate_of_few().await
    }

    async fn raw_p99_ms(&mut self, rate: f64) -> anyhow::Result<f64> {
        self.raw.p99_ms(rate).await
    }

    fn http(&self) -> SocketAddr {
        self.http.address
    }

    async fn empty_queue(&mut self) -> anyhow::Result<()> {
        self.stage.broker.purge(QUEUE).await;
        Ok(())
    }
}
