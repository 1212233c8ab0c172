//! Consumes notices in sessions, and connects again after a broken one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lapin::message::Delivery;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_amqp::Pacing;
use xiebao_amqp::topology::NOTICES;

use crate::acks::Acks;
use crate::intake::Intake;
use crate::outage::LongOutage;
use crate::session::{self, CLOSE_WITHIN, DATABASE_PATIENCE, LANES_FINISH_WITHIN, SessionError};
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
    let mut intake = Intake::begin(worker).await?;
    // Cancelled when the lanes must give up waiting for the database.
    let give_up = CancellationToken::new();
    let acks = Arc::new(Acks::new(intake.channel.clone()));
    let (lanes, mut running) = lane::open(worker, &acks, &intake.gate, shutdown, &give_up);
    worker.consuming.store(true, Ordering::Relaxed);
    tracing::info!(queue = NOTICES, "consuming");
    let (result, outage) = tokio::select! {
        biased;
        () = shutdown.cancelled() => (Ok(()), None),
        outage = worker.waiting.long_outage(worker.settings.hand_back_after) => (Ok(()), Some(outage)),
        result = intake.distribute(&lanes, &worker.metrics.in_hand) => (result, None),
        never = acks.keep_sweeping() => match never {},
    };
    worker.consuming.store(false, Ordering::Relaxed);
    let mut unacknowledged = match &outage {
        Some(_) => {
            intake.gate.open();
            hand_back::stop_taking(&intake.channel, &mut intake.deliveries).await
        }
        None => Vec::new(),
    };
    drop(lanes);
    let patience = match shutdown.is_cancelled() {
        true => DATABASE_PATIENCE,
        false => Duration::ZERO,
    };
    unacknowledged.extend(finish(&mut running, &give_up, patience).await);
    let _ = timeout(CLOSE_WITHIN, acks.finish()).await;
    if outage.is_some() {
        let handing_back = hand_back::hand_back(worker, NOTICES, unacknowledged);
        shutdown.run_until_cancelled(handing_back).await;
    }
    session::close(&intake.connection).await;
    worker.metrics.in_hand.set(0);
    result.map(|()| outage)
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
