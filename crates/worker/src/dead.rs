//! Files what stands in the dead-letter queue: insert, commit, acknowledge.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use diesel_async::AsyncConnection;
use futures_util::StreamExt;
use futures_util::future::join_all;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::types::AMQPValue;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use xiebao_core::attempts::Attempts;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::{Reason, Rejection};
use xiebao_runtime::amqp::topology::{DEAD, Part};
use xiebao_runtime::amqp::{Pacing, connect};
use xiebao_runtime::clock;

use crate::consumer::{CLOSE_WITHIN, SessionError, subscribe, text_header};
use crate::outage::LongOutage;
use crate::{Worker, batch, held, probe};
use xiebao_store::StoreError;
use xiebao_store::sql::attempts::{self, NewAttempt};
use xiebao_store::sql::dead_letters::{self, NewDeadLetter};

const AT_ONCE: u16 = 100;

/// Files dead letters until `shutdown`.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(2));
    while let Some(result) = shutdown.run_until_cancelled(session(&worker)).await {
        match result {
            Ok(None) => pacing.start_over(),
            Ok(Some(outage)) => {
                shutdown.run_until_cancelled(outage.until_over(&worker)).await;
                pacing.start_over();
            }
            Err(error) => tracing::warn!(error = %error, "no dead letters from the broker"),
        }
        shutdown.run_until_cancelled(pacing.pause()).await;
    }
}

/// `Some`: it was ended because the database stays away.
async fn session(worker: &Arc<Worker>) -> Result<Option<LongOutage>, SessionError> {
    let connection = connect(&worker.amqp, "xiebao-worker dead letters").await?;
    let (channel, mut deliveries) = subscribe(&connection, Part::Notices, DEAD, AT_ONCE).await?;
    let (sender, mut receiver) = mpsc::channel(usize::from(AT_ONCE));
    let taking = async {
        while let Some(delivery) = deliveries.next().await {
            if sender.send(delivery?).await.is_err() {
                break;
            }
        }
        Ok(None)
    };
    let filing = async {
        while let Some(batch) = batch::next(&mut receiver, AT_ONCE.into(), Duration::from_millis(10)).await {
            tokio::select! {
                () = file(worker, &batch) => {}
                outage = worker.filing.long_outage(worker.settings.hand_back_after) => return Some((batch, outage)),
            }
        }
        None
    };
    let unfiled = tokio::select! { result = taking => return result, unfiled = filing => unfiled };
    let Some((mut held, outage)) = unfiled else {
        return Ok(None);
    };
    held.extend(held::stop_taking(&channel, &mut deliveries).await);
    receiver.close();
    held.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    held::hand_back(worker, DEAD, held).await;
    let _ = timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await;
    Ok(Some(outage))
}

/// Stores a batch, however long the database takes to be there, and acknowledges it.
async fn file(worker: &Worker, batch: &[Delivery]) {
    let letters: Vec<Filed> = batch.iter().map(Filed::of).collect();
    if let Err(error) = until_stored(worker, &letters).await {
        tracing::warn!(error = %error, "a dead letter is refused; filing one by one");
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

/// A letter that the database refuses even so is filed without its body: its digest still tells which one it was.
async fn file_alone(worker: &Worker, mut filed: Filed) {
    while let Err(error) = until_stored(worker, std::slice::from_ref(&filed)).await {
        let letter = &mut filed.letter;
        tracing::error!(error = %error, notice.digest = letter.digest, "a dead letter is filed without its body");
        letter.detail = format!("{} bytes of body could not be stored: {error}", letter.body.len());
        letter.body.clear();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// `Err`: the database is there, and refuses these letters.
async fn until_stored(worker: &Worker, letters: &[Filed]) -> Result<(), StoreError> {
    let mut pacing = Pacing::new(Duration::from_millis(50), Duration::from_secs(5));
    let mut waiting = None;
    loop {
        match store(worker, letters).await {
            Ok(()) => {
                count(worker, letters);
                return Ok(());
            }
            Err(error) if error.may_be_permanent() && probe::succeeds(worker).await => return Err(error),
            Err(error) => tracing::warn!(error = %error, "dead letters wait for the database"),
        }
        waiting.get_or_insert_with(|| worker.filing.wait());
        pacing.pause().await;
    }
}

fn count(worker: &Worker, letters: &[Filed]) {
    for reason in letters
        .iter()
        .filter_map(|filed| Reason::from_name(&filed.letter.reason))
    {
        worker.metrics.count_dead_letters(reason, 1);
    }
}

async fn store(worker: &Worker, all: &[Filed]) -> Result<(), StoreError> {
    let letters: Vec<NewDeadLetter> = all.iter().map(|filed| filed.letter.clone()).collect();
    let attempts: Vec<NewAttempt> = all.iter().flat_map(|filed| filed.attempts.clone()).collect();
    let insert = worker.store.with(async |conn| {
        conn.transaction(async |conn| {
            dead_letters::insert(conn, &letters).await?;
            attempts::insert(conn, &attempts).await
        })
        .await
    });
    insert.await
}

/// A dead letter with the story of its attempts.
struct Filed {
    letter: NewDeadLetter,
    attempts: Vec<NewAttempt>,
}

impl Filed {
    fn of(delivery: &Delivery) -> Self {
        let letter = letter(delivery);
        let told = Attempts::read(text_header(delivery, header::ATTEMPT_LOG));
        let told = told.all().iter();
        let mut attempts: Vec<_> = told
            .map(|attempt| NewAttempt::of(&letter.digest, attempt))
            .collect();
        if attempts.is_empty() {
            // The receiver or the broker has sent it here.
            attempts.push(NewAttempt::of_letter(&letter));
        }
        Self { letter, attempts }
    }
}

fn letter(delivery: &Delivery) -> NewDeadLetter {
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

/// Why it died last. What the broker has dead-lettered bears the broker's own words (`x-death`), and nothing that a
/// worker buries does: beside them, a reason of ours is that of an earlier death, after which a person moved the message
/// back.
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

/// The reason of the last death in `x-death`, which has the last first.
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
