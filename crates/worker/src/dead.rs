//! Moves messages of the dead-letter queue into the table `dead_letters`: insert, commit, acknowledge.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::types::AMQPValue;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xiebao_amqp::topology::{DEAD, Part};
use xiebao_amqp::{Pacing, connect};
use xiebao_core::attempts::Attempts;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::{Reason, Rejection};
use xiebao_runtime::clock;

use crate::blame::{Blame, Cause};
use crate::delivery::text_header;
use crate::outage::LongOutage;
use crate::session::{self, SessionError, subscribe};
use crate::worker::Worker;
use crate::{batch, hand_back};
use xiebao_store::StoreError;
use xiebao_store::sql::attempts::NewAttempt;
use xiebao_store::sql::dead_letters::{self, NewDeadLetter};

/// Dead letters in one transaction, and unacknowledged ones: each may be as large as a notice may be.
const BATCH_SIZE: u16 = 16;

/// Files dead letters until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    while let Some(result) = shutdown.run_until_cancelled(session(&worker)).await {
        match result {
            Ok(None) => pacing.start_over(),
            Ok(Some(outage)) => {
                shutdown
                    .run_until_cancelled(outage.until_over(&worker.store))
                    .await;
                pacing.start_over();
            }
            Err(error) => tracing::warn!(error = %error, "no dead letters from the broker"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// One session. `Some` if it ended because of a long database outage.
async fn session(worker: &Arc<Worker>) -> Result<Option<LongOutage>, SessionError> {
    let connection = connect(&worker.amqp.settings(), "xiebao-worker dead letters").await?;
    let (channel, mut deliveries) = subscribe(&connection, Part::Notices, DEAD, BATCH_SIZE).await?;
    let (sender, mut receiver) = mpsc::channel(usize::from(BATCH_SIZE));
    let taking = async {
        while let Some(delivery) = deliveries.next().await {
            if sender.send(delivery?).await.is_err() {
                break;
            }
        }
        Ok(None)
    };
    let filing = async {
        while let Some(batch) = batch::next(&mut receiver, BATCH_SIZE.into(), Duration::from_millis(10)).await
        {
            tokio::select! {
                () = file(worker, &batch) => {}
                outage = worker.filing.long_outage(worker.settings.hand_back_after) => return Some((batch, outage)),
            }
        }
        None
    };
    let unfiled = tokio::select! { result = taking => return result, unfiled = filing => unfiled };
    let Some((mut unacknowledged, outage)) = unfiled else {
        return Ok(None);
    };
    unacknowledged.extend(hand_back::stop_taking(&channel, &mut deliveries).await);
    receiver.close();
    unacknowledged.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    hand_back::hand_back(worker, DEAD, unacknowledged).await;
    session::close(&connection).await;
    Ok(Some(outage))
}

/// Stores a batch, waiting for the database if necessary, and acknowledges it.
async fn file(worker: &Worker, batch: &[Delivery]) {
    let letters: Vec<Letter> = batch.iter().map(Letter::of).collect();
    if let Err(error) = until_stored(worker, &letters).await {
        tracing::warn!(error = %error, "the database rejects a dead letter; filing them one by one");
        for letter in letters {
            file_alone(worker, letter).await;
        }
    }
    join_all(
        batch
            .iter()
            .map(|delivery| delivery.acker.ack(BasicAckOptions::default())),
    )
    .await;
}

/// Stores one dead letter. If the database cannot store it, parts of it are left out; the digest still identifies the notice.
async fn file_alone(worker: &Worker, mut letter: Letter) {
    let Err(error) = until_stored(worker, std::slice::from_ref(&letter)).await else {
        return;
    };
    let digest = letter.row.digest.clone();
    let without_headers = letter.without_headers();
    if until_stored(worker, std::slice::from_ref(&without_headers))
        .await
        .is_ok()
    {
        tracing::warn!(error = %error, notice.digest = digest, "a dead letter is filed without its earlier attempts");
        return;
    }
    tracing::error!(error = %error, notice.digest = digest, "a dead letter is filed without its body");
    letter.row.leave_out_body(&error);
    while until_stored(worker, std::slice::from_ref(&letter)).await.is_err() {
        letter = letter.without_headers();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Retries until the letters are stored.
///
/// # Errors
/// If the database works and cannot store these letters.
async fn until_stored(worker: &Worker, letters: &[Letter]) -> Result<(), StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(5));
    let (mut waiting, mut blame) = (None, Blame::default());
    loop {
        let begun = Instant::now();
        let Err(error) = store(worker, letters).await else {
            count(worker, letters);
            return Ok(());
        };
        match blame
            .examine(&worker.store, &error, begun.elapsed(), letters.len() > 1)
            .await
        {
            Cause::Work => return Err(error),
            Cause::Unproven => continue,
            Cause::Database => tracing::warn!(error = %error, "dead letters are waiting for the database"),
        }
        waiting.get_or_insert_with(|| worker.filing.wait());
        pacing.pause().await;
    }
}

fn count(worker: &Worker, letters: &[Letter]) {
    for reason in letters
        .iter()
        .filter_map(|letter| Reason::from_name(&letter.row.reason))
    {
        worker.metrics.count_dead_letters(reason, 1);
    }
}

async fn store(worker: &Worker, letters: &[Letter]) -> Result<(), StoreError> {
    let rows: Vec<NewDeadLetter> = letters.iter().map(|letter| letter.row.clone()).collect();
    let attempts: Vec<NewAttempt> = letters
        .iter()
        .flat_map(|letter| letter.attempts.clone())
        .collect();
    let filing = worker
        .store
        .with(async |conn| dead_letters::file(conn, &rows, &attempts).await);
    filing.await
}

/// A dead letter with the log of its attempts, as rows.
struct Letter {
    row: NewDeadLetter,
    attempts: Vec<NewAttempt>,
}

impl Letter {
    /// Any program can state anything in headers, such as a time that fits no column.
    fn without_headers(&self) -> Self {
        let mut row = self.row.clone();
        row.received_at = row.first_dead_at;
        let attempts = vec![NewAttempt::of_letter(&row)];
        Self { row, attempts }
    }

    fn of(delivery: &Delivery) -> Self {
        let row = row(delivery);
        let log = Attempts::read(text_header(delivery, header::ATTEMPT_LOG));
        let mut attempts: Vec<_> = log
            .all()
            .iter()
            .map(|attempt| NewAttempt::of(&row.digest, attempt))
            .collect();
        if attempts.is_empty() {
            // The receiver or the broker dead-lettered it.
            attempts.push(NewAttempt::of_letter(&row));
        }
        Self { row, attempts }
    }
}

fn row(delivery: &Delivery) -> NewDeadLetter {
    let now = clock::now();
    let rejection = cause(delivery);
    let body = Bytes::copy_from_slice(&delivery.data);
    match Envelope::from_message(body, |name| text_header(delivery, name), now) {
        Ok(envelope) => NewDeadLetter::of_envelope(&envelope, &rejection, now),
        Err(error) => {
            let unreadable = Rejection::new(Reason::Unreadable, error.to_string());
            NewDeadLetter::of_bytes(&delivery.data, &unreadable, now)
        }
    }
}

/// Why the message was dead-lettered last. The broker adds `x-death` to what it dead-letters; a worker's dead letters have
/// none. With both, our own reason is that of an earlier time, after which a person moved the message back.
fn cause(delivery: &Delivery) -> Rejection {
    let broker_reason = last_death(delivery);
    let detail = text_header(delivery, header::DEAD_DETAIL).unwrap_or_default();
    let reason = text_header(delivery, header::DEAD_REASON).and_then(Reason::from_name);
    match (broker_reason, reason) {
        (Some("delivery_limit"), _) => Rejection::new(
            Reason::DeliveryLimit,
            "handed out too often without being acknowledged",
        ),
        (None, Some(reason)) => Rejection::new(reason, detail),
        (broker_reason, _) => Rejection::new(
            Reason::ApplyFailed,
            match broker_reason {
                Some(reason) => format!("dead-lettered by the broker: {reason}"),
                None => "put into the dead-letter queue by hand".to_owned(),
            },
        ),
    }
}

/// The reason of the first entry of `x-death`, which is the latest.
/// <https://www.rabbitmq.com/docs/dlx#effects>
fn last_death(delivery: &Delivery) -> Option<&str> {
    let headers = delivery.properties.headers().as_ref()?;
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else {
        return None;
    };
    let AMQPValue::FieldTable(last) = deaths.as_slice().first()? else {
        return None;
    };
    match last.inner().get("reason")? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    }
}
