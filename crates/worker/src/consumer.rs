//! Takes deliveries from the broker, spreads them over lanes, and reconnects after a broken session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::Consumer;
use lapin::message::Delivery;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_amqp::topology::{NOTICES, Part};
use xiebao_amqp::{Pacing, connect};

use crate::acks::Acks;
use crate::outage::LongOutage;
use crate::session::{self, CLOSE_WITHIN, DATABASE_PATIENCE, LANES_FINISH_WITHIN, SessionError, subscribe};
use crate::worker::Worker;
use crate::{hand_back, lane};

/// Consumes until `shutdown`. Each connection is a session with its own lanes: when it breaks, the broker redelivers
/// whatever they had not acknowledged, and duplicates are recognised. In a long database outage there is no session.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    while !shutdown.is_cancelled() {
        let result = session(&worker, &shutdown).await;
        worker.consuming.store(false, Ordering::Relaxed);
        match result {
            Ok(None) => pacing.start_over(),
            Ok(Some(outage)) => {
                shutdown
                    .run_until_cancelled(outage.until_over(&worker.store))
                    .await;
                pacing.start_over();
            }
            Err(error) => tracing::warn!(error = %error, "no deliveries from the broker"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// One session. `Some` if it ended because of a long database outage.
async fn session(
    worker: &Arc<Worker>,
    shutdown: &CancellationToken,
) -> Result<Option<LongOutage>, SessionError> {
    let connection = connect(&worker.amqp.settings(), "xiebao-worker").await?;
    let (channel, mut deliveries) =
        subscribe(&connection, Part::Notices, NOTICES, worker.settings.prefetch).await?;
    // Cancelled when the lanes must give up waiting for the database.
    let give_up = CancellationToken::new();
    let acks = Arc::new(Acks::new(channel.clone()));
    let (senders, mut lanes) = lane::open(worker, &acks, shutdown, &give_up);
    worker.consuming.store(true, Ordering::Relaxed);
    tracing::info!(queue = NOTICES, "consuming");
    let (result, outage) = tokio::select! {
        biased;
        () = shutdown.cancelled() => (Ok(()), None),
        outage = worker.waiting.long_outage(worker.settings.hand_back_after) => (Ok(()), Some(outage)),
        result = distribute(&mut deliveries, &senders, &worker.metrics.in_hand) => (result, None),
        never = acks.keep_sweeping() => match never {},
    };
    worker.consuming.store(false, Ordering::Relaxed);
    let mut unacknowledged = match &outage {
        Some(_) => hand_back::stop_taking(&channel, &mut deliveries).await,
        None => Vec::new(),
    };
    drop(senders);
    let patience = match shutdown.is_cancelled() {
        true => DATABASE_PATIENCE,
        false => Duration::ZERO,
    };
    unacknowledged.extend(finish(&mut lanes, &give_up, patience).await);
    let _ = timeout(CLOSE_WITHIN, acks.finish()).await;
    if outage.is_some() {
        let handing_back = hand_back::hand_back(worker, NOTICES, unacknowledged);
        shutdown.run_until_cancelled(handing_back).await;
    }
    session::close(&connection).await;
    worker.metrics.in_hand.set(0);
    result.map(|()| outage)
}

/// Sends each delivery to its lane until the subscription ends.
async fn distribute(
    deliveries: &mut Consumer,
    lanes: &[mpsc::Sender<Delivery>],
    in_hand: &Gauge,
) -> Result<(), SessionError> {
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        in_hand.inc();
        let lane = &lanes[lane::of_delivery(&delivery, lanes.len())];
        if lane.send(delivery).await.is_err() {
            return Ok(());
        }
    }
    tracing::warn!("the broker ended the subscription");
    Ok(())
}

/// Waits for the lanes, at most [`LANES_FINISH_WITHIN`], and returns their unacknowledged deliveries. After `patience`
/// the lanes stop waiting for the database.
async fn finish(
    lanes: &mut JoinSet<Vec<Delivery>>,
    give_up: &CancellationToken,
    patience: Duration,
) -> Vec<Delivery> {
    let mut unacknowledged = Vec::new();
    let all = async {
        while let Some(ended) = lanes.join_next().await {
            match ended {
                Ok(deliveries) => unacknowledged.extend(deliveries),
                Err(panic) => {
                    tracing::error!(error = %panic, "a lane panicked; its notices will be redelivered");
                }
            }
        }
    };
    let lose_patience = async {
        tokio::time::sleep(patience).await;
        give_up.cancel();
        std::future::pending::<()>().await;
    };
    let in_time = async {
        tokio::select! { () = all => (), () = lose_patience => () }
    };
    if timeout(LANES_FINISH_WITHIN, in_time).await.is_err() {
        tracing::warn!("lanes did not finish in time; their notices will be redelivered");
        lanes.shutdown().await;
    }
    unacknowledged
}
