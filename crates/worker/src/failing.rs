//! Notices that could not be applied: retried after a delay, or published as dead letters. Either way the delivery is
//! acknowledged only after the broker's confirm.

use lapin::message::Delivery;
use xiebao_amqp::Unavailable;
use xiebao_amqp::topology::DEAD;
use xiebao_core::attempts::{Attempt, Attempts, Delay, MAX_ATTEMPTS};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::{Reason, Rejection};
use xiebao_runtime::clock;
use xiebao_store::sql::attempts::this_process;

use crate::delivery::{acknowledge, reject, text_header};
use crate::spans::trace_id;
use crate::worker::Worker;

/// Publishes a notice whose own transaction fails to a retry queue, so that it delays no other. After its last attempt
/// it becomes a dead letter.
pub async fn retry_or_bury(worker: &Worker, delivery: &Delivery, envelope: &Envelope, error: &str) {
    let attempts = one_more(delivery, error);
    let Some(delay) = attempts.next() else {
        let detail = format!("{MAX_ATTEMPTS} attempts failed, the last one so: {error}");
        let rejection = Rejection::new(Reason::ApplyFailed, detail);
        return publish_dead(worker, delivery, envelope, &rejection, &attempts).await;
    };
    worker.metrics.count(envelope.notify_type(), "retried");
    tracing::warn!(
        notice.digest = %envelope.digest(),
        notice.type = envelope.notify_type().0,
        attempt.count = attempts.count(),
        attempt.delay_ms = u64::try_from(delay.length().as_millis()).unwrap_or(u64::MAX),
        error,
        trace.id = trace_id(envelope),
        "a notice failed; it will be retried"
    );
    publish_then_ack(worker, delivery, envelope, &attempts, Destination::Retry(delay)).await;
}

/// Publishes a notice whose proposal stays locked to a retry queue. This does not count as an attempt: it comes back
/// however long the lock is held.
pub async fn defer(worker: &Worker, delivery: &Delivery, envelope: &Envelope) {
    tracing::warn!(
        notice.digest = %envelope.digest(),
        trace.id = trace_id(envelope),
        "the proposal of a notice stays locked; the notice will be retried"
    );
    let attempts = so_far(delivery);
    publish_then_ack(
        worker,
        delivery,
        envelope,
        &attempts,
        Destination::Retry(Delay::Middle),
    )
    .await;
}

/// Publishes a notice that can never be applied as a dead letter.
pub async fn bury(worker: &Worker, delivery: &Delivery, envelope: &Envelope, rejection: &Rejection) {
    let attempts = one_more(delivery, &rejection.to_string());
    publish_dead(worker, delivery, envelope, rejection, &attempts).await;
}

async fn publish_dead(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    rejection: &Rejection,
    attempts: &Attempts,
) {
    worker
        .metrics
        .count(envelope.notify_type(), rejection.reason.name());
    tracing::warn!(
        notice.digest = %envelope.digest(),
        notice.type = envelope.notify_type().0,
        attempt.count = attempts.count(),
        reason = rejection.reason.name(),
        detail = rejection.detail,
        trace.id = trace_id(envelope),
        "a notice becomes a dead letter"
    );
    let destination = Destination::DeadLetters(rejection);
    publish_then_ack(worker, delivery, envelope, attempts, destination).await;
}

/// Where a notice that was not applied is published.
#[derive(Debug, Clone, Copy)]
enum Destination<'r> {
    Retry(Delay),
    DeadLetters(&'r Rejection),
}

/// Publishes until the broker confirms, then acknowledges. The delivery is kept until then: returned to the broker, it
/// would come back at once and raise its delivery count. The end of the session cancels this.
async fn publish_then_ack(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    attempts: &Attempts,
    destination: Destination<'_>,
) {
    let publisher = &worker.publisher;
    loop {
        let published = match destination {
            Destination::Retry(delay) => publisher.publish_retry(envelope, attempts, delay).await,
            Destination::DeadLetters(Rejection { reason, detail }) => {
                publisher.publish_dead(envelope, *reason, detail, attempts).await
            }
        };
        match published {
            Ok(()) => return acknowledge(delivery).await,
            Err(error) if error.is_final() => return leave_to_the_broker(delivery, envelope, &error).await,
            Err(error) => {
                tracing::warn!(error = %error, "a notice could not be published for retry or as a dead letter; trying again");
            }
        }
    }
}

/// Makes a message that is not a notice a dead letter. The broker moves it by itself, unless it has a header that the broker
/// would read: RabbitMQ 3.10 stops all dead-lettering when somebody else has written it.
pub async fn bury_unreadable(worker: &Worker, delivery: &Delivery) {
    let headers = delivery.properties.headers().as_ref();
    if !headers.is_some_and(|headers| headers.contains_key("x-death")) {
        return reject(delivery).await;
    }
    loop {
        match worker.publisher.hand_back(DEAD, delivery).await {
            Ok(()) => return acknowledge(delivery).await,
            Err(error) if error.is_final() => return reject(delivery).await,
            Err(error) => {
                tracing::warn!(error = %error, "a notice could not be published for retry or as a dead letter; trying again");
            }
        }
    }
}

/// Lets the broker move a message that it would not take from a publisher. The dead letter lacks its reason.
async fn leave_to_the_broker(delivery: &Delivery, envelope: &Envelope, error: &Unavailable) {
    tracing::error!(
        error = %error,
        notice.digest = %envelope.digest(),
        "a notice cannot be published again; it becomes a dead letter without a reason"
    );
    reject(delivery).await;
}

/// The earlier attempts that the message lists. A dead letter that was moved back by hand starts from none.
fn so_far(delivery: &Delivery) -> Attempts {
    let was_dead = text_header(delivery, header::DEAD_REASON).is_some();
    let log = text_header(delivery, header::ATTEMPT_LOG).filter(|_| !was_dead);
    Attempts::read(log)
}

/// The earlier attempts and this one.
fn one_more(delivery: &Delivery, error: &str) -> Attempts {
    let mut attempts = so_far(delivery);
    attempts.fail(Attempt::new(clock::now(), &this_process(), error));
    attempts
}
