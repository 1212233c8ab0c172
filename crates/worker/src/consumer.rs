//! Takes deliveries from the broker, spreads them over lanes, and comes back when the broker does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use prometheus_client::metrics::gauge::Gauge;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::amqp::topology::{NOTICES, Part, TopologyError};
use xiebao_runtime::amqp::{ConnectError, Pacing, connect};

use crate::acks::Acks;
use crate::outage::LongOutage;
use crate::{Worker, held, lane};

/// How long a batch at work may still wait for the database after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bound on what the lanes of a session that is over may still take.
const LANES_FINISH_WITHIN: Duration = Duration::from_secs(15);

/// Bound on a single answer of the broker: the client can wait for ever when the server goes.
pub const BROKER_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Bound on ending a connection well. With [`LANES_FINISH_WITHIN`] it stays below the grace of the whole worker.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// Why there is no session with the broker.
#[derive(Debug, Error)]
pub enum SessionError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error("the broker broke off: {0}")]
    Broker(#[from] lapin::Error),
    #[error("no answer from the broker within {0:?}")]
    Silent(Duration),
}

/// Consumes until `shutdown`. Each connection is a session with lanes of its own: when it breaks, whatever they had
/// not acknowledged comes again, and is recognised. In a long outage of the database there is no session.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    while !shutdown.is_cancelled() {
        let result = session(&worker, &shutdown).await;
        worker.consuming.store(false, Ordering::Relaxed);
        match result {
            Ok(None) => pacing.start_over(),
            Ok(Some(outage)) => {
                shutdown.run_until_cancelled(outage.until_over(&worker)).await;
                pacing.start_over();
            }
            Err(error) => tracing::warn!(error = %error, "no deliveries from the broker"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// `Some`: it was ended because the database stays away.
async fn session(
    worker: &Arc<Worker>,
    shutdown: &CancellationToken,
) -> Result<Option<LongOutage>, SessionError> {
    let connection = connect(&worker.amqp, "xiebao-worker").await?;
    let (channel, mut deliveries) =
        subscribe(&connection, Part::Notices, NOTICES, worker.settings.prefetch).await?;
    // Cancelled when the lanes are to let go of what they are at.
    let let_go = CancellationToken::new();
    let acks = Arc::new(Acks::new(channel.clone()));
    let (senders, mut lanes) = lane::open(worker, &acks, shutdown, &let_go);
    worker.consuming.store(true, Ordering::Relaxed);
    tracing::info!(queue = NOTICES, "consuming");
    let (result, outage) = tokio::select! {
        biased;
        () = shutdown.cancelled() => (Ok(()), None),
        outage = worker.waiting.long_outage(worker.settings.hand_back_after) => (Ok(()), Some(outage)),
        result = take(&mut deliveries, &senders, &worker.metrics.in_hand) => (result, None),
        never = acks.keep_sweeping() => match never {},
    };
    worker.consuming.store(false, Ordering::Relaxed);
    let mut held = match &outage {
        Some(_) => held::stop_taking(&channel, &mut deliveries).await,
        None => Vec::new(),
    };
    drop(senders);
    let patience = match shutdown.is_cancelled() {
        true => PATIENCE,
        false => Duration::ZERO,
    };
    held.extend(finish(&mut lanes, &let_go, patience).await);
    let _ = timeout(CLOSE_WITHIN, acks.finish()).await;
    if outage.is_some() {
        let handing_back = held::hand_back(worker, NOTICES, held);
        shutdown.run_until_cancelled(handing_back).await;
    }
    // Closing returns what was taken and not begun.
    let _ = timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await;
    worker.metrics.in_hand.set(0);
    result.map(|()| outage)
}

/// Spreads deliveries over the lanes until there are no more.
async fn take(
    deliveries: &mut Consumer,
    lanes: &[mpsc::Sender<Delivery>],
    in_hand: &Gauge,
) -> Result<(), SessionError> {
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        in_hand.inc();
        if lanes[lane::of_delivery(&delivery, lanes.len())]
            .send(delivery)
            .await
            .is_err()
        {
            return Ok(());
        }
    }
    tracing::warn!("the broker ended the subscription");
    Ok(())
}

/// Lets the lanes finish what they are at, in bounded time; what they have not acknowledged. After `patience` they
/// wait for the database no longer.
async fn finish(
    lanes: &mut JoinSet<Vec<Delivery>>,
    let_go: &CancellationToken,
    patience: Duration,
) -> Vec<Delivery> {
    let mut left = Vec::new();
    let all = async {
        while let Some(ended) = lanes.join_next().await {
            match ended {
                Ok(deliveries) => left.extend(deliveries),
                Err(death) => tracing::error!(error = %death, "a lane died; its notices come again"),
            }
        }
    };
    let hurry = async {
        tokio::time::sleep(patience).await;
        let_go.cancel();
        std::future::pending::<()>().await;
    };
    let in_time = async {
        tokio::select! { () = all => (), () = hurry => () }
    };
    if timeout(LANES_FINISH_WITHIN, in_time).await.is_err() {
        tracing::warn!("lanes were not finished in time; their notices come again");
        lanes.shutdown().await;
    }
    left
}

/// Consumes from a queue with at most `prefetch` unacknowledged deliveries. The part of the topology that it belongs to
/// is declared first: somebody may have deleted the queue.
pub async fn subscribe(
    connection: &Connection,
    part: Part,
    queue: &str,
    prefetch: u16,
) -> Result<(Channel, Consumer), SessionError> {
    let subscribing = async {
        part.ensure(connection).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel
            .basic_consume(queue.into(), "".into(), options, arguments)
            .await?;
        Ok((channel, consumer))
    };
    let late = |_| SessionError::Silent(BROKER_ANSWERS_WITHIN);
    timeout(BROKER_ANSWERS_WITHIN, subscribing).await.map_err(late)?
}

/// A header, where it is text.
pub fn text_header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    let headers = delivery.properties.headers().as_ref()?;
    let value = headers.inner().get(name)?.as_long_string()?;
    std::str::from_utf8(value.as_bytes()).ok()
}
