//! Samples tables and queues every `worker.sample_interval_ms` for the gauges, one function per group. Every worker
//! samples and all see the same, so any one of them suffices. A sample that panics has failed.
//!
//! Queries must stay cheap however large the tables are: they use an index and a limit.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use prometheus_client::registry::Unit;
use tokio::time::{MissedTickBehavior, interval, timeout};
use xiebao_amqp::connect;
use xiebao_amqp::topology::{DEAD, NOTICES, REFUSED, RETRY};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::reason::Reason;
use xiebao_runtime::clock;

use crate::samples::{Group, Reading, Samples, Series};
use crate::session::{BROKER_ANSWERS_WITHIN, SessionError};
use crate::worker::Worker;
use xiebao_store::StoreError;
use xiebao_store::sql::samples;
use xiebao_store::sql::stuck::Stand;

/// Rows after which counting stops; more make no difference to a reader.
const COUNT_LIMIT: i64 = 100_000;

/// How long a sample is served if sampling stops: four intervals, and at least a minute, which a sample may take.
pub fn lifetime(interval: Duration) -> TimeDelta {
    let at_least = TimeDelta::minutes(1);
    TimeDelta::from_std(interval.saturating_mul(4)).map_or(TimeDelta::MAX, |some| some.max(at_least))
}

/// Samples for ever.
pub async fn run(worker: Arc<Worker>) {
    let mut ticks = interval(worker.settings.sample_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut broker = None;
    loop {
        ticks.tick().await;
        let (store, samples) = (&worker.store, &worker.samples);
        let tables = async {
            let held = store.ask(async |conn| held(conn, clock::now()).await);
            keep(samples, Group::Held, held).await;
            keep(samples, Group::DeadLetters, store.ask(dead_letters)).await;
            let after = worker.settings.stuck_after;
            let stuck = store.ask(async |conn| stuck(conn, clock::now(), after).await);
            keep(samples, Group::Stuck, stuck).await;
            keep(samples, Group::Unmatched, store.ask(unmatched)).await;
        };
        let queues = keep(samples, Group::Queues, queues(&worker, &mut broker));
        tokio::join!(tables, queues);
    }
}

/// Keeps the readings of one sample, or its failure.
async fn keep<E: Display>(
    samples: &Samples,
    group: Group,
    sampling: impl Future<Output = Result<Vec<Reading>, E>>,
) {
    let error = match AssertUnwindSafe(sampling).catch_unwind().await {
        Ok(Ok(readings)) => return samples.keep(group, clock::now(), readings),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a panic while sampling".to_owned(),
    };
    if samples.fail(group) {
        tracing::warn!(sample.group = group.name(), error = %error, "gauges cannot be sampled");
    }
}

/// Notices that wait for their predecessors.
async fn held(conn: &mut xiebao_store::Connection, now: DateTime<Utc>) -> Result<Vec<Reading>, StoreError> {
    let held = samples::held(conn, now, COUNT_LIMIT).await?;
    let by_step = Step::ALL.map(|step| {
        let count = held
            .by_type
            .iter()
            .find(|row| Step::of(NotifyType(row.notify_type)) == Some(step));
        (step.name(), count.map_or(0.0, |row| row.held as f64))
    });
    let age = held
        .oldest()
        .map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
    Ok(vec![
        gauge(
            "held_proposals",
            "Proposals with held notices, up to 100,000",
            None,
            Series::One(held.proposals as f64),
        ),
        gauge(
            "held_notices",
            "Held notices by step, of the 10,000 proposals whose waits end first",
            None,
            Series::By("notify_type", by_step.to_vec()),
        ),
        gauge(
            "held_oldest",
            "How long the oldest of them has been held",
            Some(Unit::Seconds),
            Series::One(age),
        ),
        gauge(
            "held_overdue",
            "Held notices that should have been released by now",
            None,
            Series::One(held.overdue() as f64),
        ),
    ])
}

/// Open dead letters by reason.
async fn dead_letters(conn: &mut xiebao_store::Connection) -> Result<Vec<Reading>, StoreError> {
    let open = samples::open_dead_letters(conn, COUNT_LIMIT).await?;
    let by_reason = Reason::ALL.map(|reason| {
        let count = open.iter().find(|(name, _)| name == reason.name());
        (reason.name(), count.map_or(0.0, |(_, count)| *count as f64))
    });
    let series = Series::By("reason", by_reason.to_vec());
    Ok(vec![gauge(
        "dead_letters_open",
        "Dead letters that wait for a person, up to 100,000 in all",
        None,
        series,
    )])
}

/// Proposals that were paid and not issued in time: 已支付未出单.
async fn stuck(
    conn: &mut xiebao_store::Connection,
    now: DateTime<Utc>,
    after: Duration,
) -> Result<Vec<Reading>, StoreError> {
    let found = samples::paid_not_issued(conn, now, after).await?;
    let by_step = vec![(Stand::Paid.name(), found.count as f64)];
    Ok(vec![gauge(
        "proposals_stuck",
        "Proposals that have stood at a step for longer than worker.stuck_after, of the last 7 days and, of those at the step, \
         of the 10,000 with the greatest numbers",
        None,
        Series::By("step", by_step),
    )])
}

/// Proposals whose cancellation marked nobody for a name.
async fn unmatched(conn: &mut xiebao_store::Connection) -> Result<Vec<Reading>, StoreError> {
    let proposals = samples::unmatched(conn, COUNT_LIMIT).await?;
    Ok(vec![gauge(
        "proposals_unmatched",
        "Proposals with a cancellation that names a person who is in no policy, up to 100,000",
        None,
        Series::One(proposals as f64),
    )])
}

fn gauge(name: &'static str, help: &'static str, unit: Option<Unit>, series: Series) -> Reading {
    Reading {
        name,
        help,
        unit,
        series,
    }
}

/// Ready messages by queue. It has its own connection, because the consumer has none in a long database outage.
async fn queues(worker: &Worker, broker: &mut Option<Broker>) -> Result<Vec<Reading>, SessionError> {
    let open = match broker.take() {
        Some(open) => open,
        None => Broker::open(worker).await?,
    };
    let silent = |_| SessionError::Silent(BROKER_ANSWERS_WITHIN);
    let mut ready = timeout(BROKER_ANSWERS_WITHIN, ready_messages(&open.channel))
        .await
        .map_err(silent)??;
    // Asked last and on its own channel: if this queue is missing, the others are still sampled.
    if let Ok(Ok(record)) = timeout(BROKER_ANSWERS_WITHIN, ready_records(&open.connection)).await {
        ready.push((REFUSED, record));
    }
    *broker = Some(open);
    let series = Series::By("queue", ready);
    Ok(vec![gauge(
        "queue_messages_ready",
        "Messages that wait in a queue to be taken",
        None,
        series,
    )])
}

async fn ready_messages(channel: &Channel) -> Result<Vec<(&'static str, f64)>, lapin::Error> {
    let mut ready = Vec::new();
    for queue in [NOTICES, DEAD].into_iter().chain(RETRY.map(|(_, name)| name)) {
        ready.push((queue, ready_in(channel, queue).await?));
    }
    Ok(ready)
}

/// Uses a channel of its own, because the broker closes the channel if the queue is missing.
async fn ready_records(connection: &Connection) -> Result<f64, lapin::Error> {
    let channel = connection.create_channel().await?;
    let ready = ready_in(&channel, REFUSED).await?;
    channel.close(200, "done".into()).await?;
    Ok(ready)
}

async fn ready_in(channel: &Channel, queue: &str) -> Result<f64, lapin::Error> {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await?;
    Ok(f64::from(queue.message_count()))
}

/// The connection for sampling queues. Dropped after an error, because the broker closes the channel then.
struct Broker {
    channel: Channel,
    connection: Connection,
}

impl Broker {
    async fn open(worker: &Worker) -> Result<Self, SessionError> {
        let connection = connect(&worker.amqp.settings(), "xiebao-worker gauges").await?;
        let silent = |_| SessionError::Silent(BROKER_ANSWERS_WITHIN);
        let channel = timeout(BROKER_ANSWERS_WITHIN, connection.create_channel())
            .await
            .map_err(silent)??;
        Ok(Self { channel, connection })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn broken() -> Result<Vec<Reading>, String> {
        panic!("it is broken")
    }

    #[tokio::test]
    async fn a_sample_that_panics_has_failed() {
        let samples = Samples::with_lifetime(TimeDelta::minutes(1));
        let sampled = async { Ok::<_, String>(vec![gauge("held_overdue", "", None, Series::One(0.0))]) };
        keep(&samples, Group::Held, sampled).await;
        keep(&samples, Group::Held, broken()).await;
        assert!(!samples.fail(Group::Held), "the panic was its first failure");
    }

    #[test]
    fn a_sample_is_served_for_four_intervals_and_for_a_minute_at_least() {
        assert_eq!(lifetime(Duration::from_millis(200)), TimeDelta::minutes(1));
        assert_eq!(lifetime(Duration::from_secs(60)), TimeDelta::minutes(4));
        assert_eq!(lifetime(Duration::MAX), TimeDelta::MAX);
    }
}
