//! One batch: read the deliveries, apply them in transactions, publish what cannot be applied, acknowledge.
//!
//! The order makes it safe: a delivery is acknowledged only after its transaction is committed, or after the broker has
//! confirmed its retry or dead letter.

mod item;

use futures_util::future::join_all;
use lapin::Channel;
use lapin::message::Delivery;
use tokio_util::sync::CancellationToken;
use xiebao_core::reason::Reason;
use xiebao_core::rules::Rules;
use xiebao_runtime::metrics::Counted;
use xiebao_runtime::traces::{Span, Traces};
use xiebao_store::sql::links::PendingLink;

use crate::acks::Acks;
use crate::batch::Batch;
use crate::failing::{bury, bury_unreadable, defer, retry_or_bury};
use crate::isolation::{Job, run_all};
use crate::spans;
use crate::worker::Worker;
use item::{Content, Item};

/// The result of a batch.
pub(crate) struct Processed {
    /// Deliveries that were given up; the broker still waits for their acknowledgements.
    pub unacknowledged: Vec<Delivery>,
    /// Reissue links found on the way, to be delivered in other transactions.
    pub links: Vec<PendingLink>,
}

/// Processes one batch. `give_up` is cancelled when it must no longer wait for the database or the broker.
pub(crate) async fn process(
    worker: &Worker,
    acks: &Acks<Channel>,
    batch: Batch,
    give_up: &CancellationToken,
) -> Processed {
    if !batch.deliveries.is_empty() {
        worker.metrics.batch_size.observe(batch.deliveries.len() as f64);
    }
    let _at_work = Counted::in_gauge(&worker.metrics.at_work);
    let (mut items, mut jobs) = read(batch.deliveries, &worker.rules);
    jobs.extend(batch.links.into_iter().map(Job::Link));
    let apply_span = begin_spans(&worker.traces, &mut items);
    let (outcomes, links) = run_all(worker, jobs, give_up.cancelled()).await;
    drop(apply_span);
    for (index, outcome) in outcomes {
        items[index].note_outcome(worker, outcome);
    }
    items.iter_mut().for_each(Item::end_span);
    tokio::select! {
        // The answers come first even after giving up: those that need no waiting are still sent.
        biased;
        () = answer(worker, acks, &mut items) => {}
        () = give_up.cancelled() => {}
    }
    let unacknowledged = items.into_iter().filter(|item| !item.is_answered);
    Processed {
        unacknowledged: unacknowledged.map(|item| item.delivery).collect(),
        links,
    }
}

fn read(deliveries: Vec<Delivery>, rules: &Rules) -> (Vec<Item>, Vec<Job>) {
    let (mut items, mut jobs) = (
        Vec::with_capacity(deliveries.len()),
        Vec::with_capacity(deliveries.len()),
    );
    for (index, delivery) in deliveries.into_iter().enumerate() {
        let (item, work) = Item::read(delivery, rules);
        items.push(item);
        jobs.extend(work.map(|work| Job::Notice { index, work }));
    }
    (items, jobs)
}

/// The span of the whole batch, which ends with its last transaction, and below each recorded trace one for its notice.
fn begin_spans(traces: &Traces, items: &mut [Item]) -> Span {
    if !traces.is_on() {
        return Span::default();
    }
    let envelopes = items.iter().filter_map(|item| item.content.envelope());
    let apply = spans::apply(traces, envelopes, items.len());
    for item in items {
        if let Some(envelope) = item.content.envelope() {
            item.span = spans::process(traces, envelope, &apply);
        }
    }
    apply
}

/// Acknowledges the committed notices, and publishes and acknowledges the others.
async fn answer(worker: &Worker, acks: &Acks<Channel>, items: &mut [Item]) {
    let (committed, others): (Vec<_>, Vec<_>) = items
        .iter_mut()
        .filter(|item| item.is_answered || !item.content.is_notice())
        .partition(|item| item.is_answered);
    let tags = committed.into_iter().map(|item| item.delivery.delivery_tag);
    acks.ack_in_ranges(tags).await;
    join_all(others.into_iter().map(async |item| {
        put_away(worker, item).await;
        item.is_answered = true;
        acks.answered(item.delivery.delivery_tag).await;
    }))
    .await;
}

/// Publishes a delivery that was not applied to where it belongs, and answers for it. If the answer is lost, the broker
/// redelivers it and it is a duplicate.
async fn put_away(
    worker: &Worker,
    Item {
        delivery, content, ..
    }: &Item,
) {
    match content {
        Content::Notice(..) => {}
        Content::Rejected(envelope, rejection) => bury(worker, delivery, envelope, rejection).await,
        Content::Failing(envelope, error) => retry_or_bury(worker, delivery, envelope, error).await,
        Content::Locked(envelope) => defer(worker, delivery, envelope).await,
        Content::Unreadable => {
            tracing::warn!(
                reason = Reason::Unreadable.name(),
                "a message that is not a notice becomes a dead letter"
            );
            bury_unreadable(worker, delivery).await;
        }
    }
}
