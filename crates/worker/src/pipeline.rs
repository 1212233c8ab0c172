//! A batch: read, apply in one transaction, dead-letter what cannot be applied, acknowledge.
//!
//! The order is what makes it safe: nothing is acknowledged before its transaction is committed, or before the
//! broker has confirmed its dead letter.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicRejectOptions;
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::id::Step;
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::{Reason, Rejection};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_runtime::clock;
use xiebao_runtime::metrics::Counted;

use crate::Worker;
use crate::acks::Acks;
use crate::batch::Batch;
use crate::consumer::text_header;
use crate::failing::{bury, put_aside, retry_or_bury};
use crate::isolation::{End, Job, Work, run_all};
use crate::metrics::result_of;
use crate::spans::{Spans, trace_id};
use xiebao_store::sql::links::PendingLink;
use xiebao_store::sql::notices::NoticeRow;

/// What a delivery turned out to be.
enum Content {
    /// To be applied or kept.
    Notice(Envelope),
    /// Never to be applied.
    Rejected(Envelope, Rejection),
    /// Failed by itself, in these words.
    Failing(Envelope, String),
    /// Somebody else holds its proposal's lock.
    Locked(Envelope),
    /// No notice at all.
    Unreadable,
}

impl Content {
    fn is_notice(&self) -> bool {
        matches!(self, Self::Notice(..))
    }

    fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Notice(envelope)
            | Self::Rejected(envelope, _)
            | Self::Failing(envelope, _)
            | Self::Locked(envelope) => Some(envelope),
            Self::Unreadable => None,
        }
    }

    /// In one word; that of what was decided stands elsewhere.
    fn result(&self) -> &'static str {
        match self {
            Self::Notice(..) => "returned",
            Self::Rejected(_, rejection) => rejection.reason.name(),
            Self::Failing(..) => "failed",
            Self::Locked(..) => "locked",
            Self::Unreadable => Reason::Unreadable.name(),
        }
    }
}

/// Processes one batch; what was not acknowledged, and the reissue links that were found. `given_up` is cancelled when
/// waiting for the database is no longer wanted.
pub(crate) async fn process(
    worker: &Worker,
    acks: &Acks<Channel>,
    batch: Batch,
    given_up: &CancellationToken,
) -> (Vec<Delivery>, Vec<PendingLink>) {
    let Batch {
        deliveries: batch,
        links,
    } = batch;
    if !batch.is_empty() {
        worker.metrics.batch_size.observe(batch.len() as f64);
    }
    let _at_work = Counted::in_gauge(&worker.metrics.at_work);
    let (mut contents, mut jobs) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for (mark, delivery) in batch.iter().enumerate() {
        let (content, work) = read(delivery, &worker.rules);
        contents.push(content);
        jobs.extend(work.map(|work| Job::Notice { mark, work }));
    }
    jobs.extend(links.into_iter().map(Job::Link));
    let mut spans = Spans::begin(&worker.traces, contents.iter().map(Content::envelope));
    let (ends, new_links) = run_all(worker, jobs, given_up.cancelled()).await;
    spans.applied();
    let mut done = vec![false; batch.len()];
    for (mark, end) in ends {
        done[mark] = true;
        if let Some(result) = note_end(worker, &mut contents[mark], end)
            && let Some(envelope) = contents[mark].envelope()
        {
            spans.end(mark, envelope, result);
        }
    }
    spans.end_others(
        contents
            .iter()
            .map(|content| (content.envelope(), content.result())),
    );
    let committed = contents
        .iter()
        .zip(done)
        .map(|(content, done)| done && content.is_notice());
    let done: Vec<AtomicBool> = committed.map(AtomicBool::new).collect();
    let committed = batch
        .iter()
        .zip(&done)
        .filter(|(_, done)| done.load(Ordering::Relaxed));
    let settling = acks.settle(committed.map(|(delivery, _)| delivery.delivery_tag));
    let others = batch.iter().zip(&contents).zip(&done);
    let others = others.filter(|((_, content), _)| !content.is_notice());
    let putting_away = join_all(others.map(async |((delivery, content), done)| {
        put_away(worker, delivery, content).await;
        done.store(true, Ordering::Relaxed);
        acks.answered(delivery.delivery_tag).await;
    }));
    let finishing = async {
        settling.await;
        putting_away.await;
    };
    tokio::select! {
        // Even when it is given up: what needs no waiting is acknowledged.
        biased;
        () = finishing => {}
        () = given_up.cancelled() => {}
    }
    let left = batch.into_iter().zip(done);
    let left = left.filter_map(|(delivery, done)| (!done.into_inner()).then_some(delivery));
    (left.collect(), new_links)
}

fn read(delivery: &Delivery, rules: &Rules) -> (Content, Option<Work>) {
    let reading = catch_unwind(|| {
        let body = Bytes::copy_from_slice(&delivery.data);
        let reading = Envelope::with_notice(body, |name| text_header(delivery, name), clock::now());
        let Ok((envelope, notice)) = reading else {
            return (Content::Unreadable, None);
        };
        if !Step::of(envelope.notify_type()).is_some_and(|step| rules.is_subscribed(step)) {
            let row = NoticeRow::of_ignored(&envelope);
            return (Content::Notice(envelope), Some(Work::Keep(row)));
        }
        match notice {
            Ok(notice) => {
                let num = notice.insure_num.clone();
                let arrival = Arrival {
                    notice: notice.into(),
                    raw: envelope.body().clone(),
                    received_at: envelope.received_at(),
                    redelivered: delivery.redelivered || text_header(delivery, header::HANDED_BACK).is_some(),
                };
                (Content::Notice(envelope), Some(Work::Apply(num, arrival)))
            }
            Err(rejection) => (Content::Rejected(envelope, rejection), None),
        }
    });
    reading.unwrap_or((Content::Unreadable, None))
}

/// Notes what became of a notice; in one word, where it was decided and nothing is left to do.
fn note_end(worker: &Worker, content: &mut Content, end: End) -> Option<&'static str> {
    let Content::Notice(envelope) = content else {
        return None;
    };
    let lag = clock::now() - envelope.received_at();
    worker.metrics.lag.observe(lag.as_seconds_f64().max(0.0));
    let result = match end {
        End::Decided(DeliveryOutcome::Rejected(rejection)) => {
            *content = Content::Rejected(envelope.clone(), rejection);
            return None;
        }
        End::Failed(error) => {
            *content = Content::Failing(envelope.clone(), error);
            return None;
        }
        End::Locked => {
            *content = Content::Locked(envelope.clone());
            return None;
        }
        End::Decided(verdict) => result_of(&verdict),
        End::Kept => "ignored",
    };
    worker.metrics.count(envelope.notify_type(), result);
    tracing::debug!(
        notice.digest = %envelope.digest(),
        notice.type = envelope.notify_type().0,
        notice.result = result,
        trace.id = trace_id(envelope),
        "decided"
    );
    Some(result)
}

/// Does what is to be done with a delivery that was not applied, and answers for it. One that can't be answered for comes
/// again and is recognised.
async fn put_away(worker: &Worker, delivery: &Delivery, content: &Content) {
    match content {
        Content::Notice(..) => {}
        Content::Rejected(envelope, rejection) => bury(worker, delivery, envelope, rejection).await,
        Content::Failing(envelope, error) => retry_or_bury(worker, delivery, envelope, error).await,
        Content::Locked(envelope) => put_aside(worker, delivery, envelope).await,
        Content::Unreadable => {
            tracing::warn!(
                reason = Reason::Unreadable.name(),
                "a message that is no notice becomes a dead letter"
            );
            // The broker's own dead-lettering takes it, at least once, to the same queue.
            let _ = delivery.acker.reject(BasicRejectOptions { requeue: false }).await;
        }
    }
}
