//! Takes deliveries from the broker, spreads them over lanes, and comes back when the broker does.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::header;
use xiebao_runtime::amqp::topology::NOTICES;
use xiebao_runtime::amqp::{ConnectError, Pacing, connect};

use crate::{Worker, batch, pipeline};

/// How long a batch at work may still wait for the database after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bound on what the lanes of a session that is over may still take.
const LANES_FINISH_WITHIN: Duration = Duration::from_secs(15);

/// Bound on a single answer of the broker: the client can wait for ever when the server goes.
const BROKER_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Consumes until `shutdown`. Each connection is a session with lanes of its own: when it breaks, whatever they had
/// not acknowledged comes again, and is recognised.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    while !shutdown.is_cancelled() {
        match session(&worker, &shutdown).await {
            Ok(()) => pacing.start_over(),
            Err(error) => tracing::warn!(error = %error, "no deliveries from the broker"),
        }
        worker.consuming.store(false, Ordering::Relaxed);
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

async fn session(worker: &Arc<Worker>, shutdown: &CancellationToken) -> Result<(), ConnectError> {
    let connection = connect(&worker.amqp, "xiebao-worker").await?;
    let (_channel, mut deliveries) = subscribe(&connection, NOTICES, worker.settings.prefetch).await?;
    // Cancelled when the session is over: what it has not acknowledged, nobody can any more.
    let over = CancellationToken::new();
    let guard = over.clone().drop_guard();
    let (senders, mut lanes) = open_lanes(worker, shutdown, &over);
    worker.consuming.store(true, Ordering::Relaxed);
    tracing::info!(queue = NOTICES, "consuming");
    while let Some(Some(delivery)) = shutdown.run_until_cancelled(deliveries.next()).await {
        let delivery = delivery?;
        if senders[lane_of(&delivery, senders.len())]
            .send(delivery)
            .await
            .is_err()
        {
            break;
        }
    }
    worker.consuming.store(false, Ordering::Relaxed);
    drop(senders);
    if !shutdown.is_cancelled() {
        drop(guard);
    }
    finish(&mut lanes).await;
    // Closing hands back what was taken and not begun.
    let _ = timeout(BROKER_ANSWERS_WITHIN, connection.close(200, "done".into())).await;
    Ok(())
}

/// Lets the lanes finish what they are at, in bounded time. What they have not acknowledged comes again.
async fn finish(lanes: &mut JoinSet<()>) {
    let all = async {
        while let Some(ended) = lanes.join_next().await {
            if let Err(death) = ended {
                tracing::error!(error = %death, "a lane died; its notices come again");
            }
        }
    };
    if timeout(LANES_FINISH_WITHIN, all).await.is_err() {
        tracing::warn!("lanes were not finished in time; their notices come again");
        lanes.shutdown().await;
    }
}

/// Consumes from a queue with at most `prefetch` unacknowledged deliveries.
pub async fn subscribe(
    connection: &Connection,
    queue: &str,
    prefetch: u16,
) -> Result<(Channel, Consumer), ConnectError> {
    let subscribing = async {
        let channel = connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel
            .basic_consume(queue.into(), "".into(), options, arguments)
            .await?;
        Ok((channel, consumer))
    };
    let late = |_| ConnectError::Timeout(BROKER_ANSWERS_WITHIN);
    timeout(BROKER_ANSWERS_WITHIN, subscribing).await.map_err(late)?
}

fn open_lanes(
    worker: &Arc<Worker>,
    shutdown: &CancellationToken,
    over: &CancellationToken,
) -> (Vec<mpsc::Sender<Delivery>>, JoinSet<()>) {
    let mut lanes = JoinSet::new();
    let senders = (0..worker.settings.lanes)
        .map(|_| {
            let (sender, receiver) = mpsc::channel(usize::from(worker.settings.prefetch).max(1));
            lanes.spawn(lane(Arc::clone(worker), receiver, shutdown.clone(), over.clone()));
            sender
        })
        .collect();
    (senders, lanes)
}

/// Batches at work, one after the other.
async fn lane(
    worker: Arc<Worker>,
    mut deliveries: mpsc::Receiver<Delivery>,
    shutdown: CancellationToken,
    over: CancellationToken,
) {
    let (size, wait) = (worker.settings.batch_size, worker.settings.batch_wait);
    while let Some(Some(batch)) = shutdown
        .run_until_cancelled(batch::next(&mut deliveries, size, wait))
        .await
    {
        // A batch that waits for the database is given up with its session, and some time after the signal to stop:
        // nothing of it is done then.
        let stopped = async {
            shutdown.cancelled().await;
            tokio::time::sleep(PATIENCE).await;
        };
        let given_up = async {
            tokio::select! { () = over.cancelled() => (), () = stopped => () }
        };
        pipeline::process(&worker, batch, given_up).await;
    }
}

/// Notices of one proposal go to one lane, so that lanes seldom wait for each other's locks. Correctness does not
/// depend on it: other workers know nothing of these lanes.
fn lane_of(delivery: &Delivery, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    match text_header(delivery, header::INSURE_NUM) {
        Some(insure_num) => insure_num.hash(&mut hasher),
        None => delivery.delivery_tag.hash(&mut hasher),
    }
    (hasher.finish() % lanes.max(1) as u64) as usize
}

/// A header, where it is text.
pub fn text_header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    let headers = delivery.properties.headers().as_ref()?;
    let value = headers.inner().get(name)?.as_long_string()?;
    std::str::from_utf8(value.as_bytes()).ok()
}
