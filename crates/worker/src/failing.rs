//! What becomes of a notice that could not be applied: it is tried again after a while, or it is a dead letter. Either
//! way it is acknowledged only once the broker has confirmed it where it goes.

use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use xiebao_core::attempts::{Attempt, Attempts, Delay, MAX_ATTEMPTS};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::{Reason, Rejection};
use xiebao_runtime::clock;
use xiebao_store::sql::attempts::this_process;

use crate::Worker;
use crate::consumer::text_header;
use crate::spans::trace_id;

/// Takes a notice that fails by itself out of the way of the others, to be tried again. After the last attempt it
/// becomes a dead letter.
pub async fn retry_or_bury(worker: &Worker, delivery: &Delivery, envelope: &Envelope, error: &str) {
    let attempts = one_more(delivery, error);
    let Some(delay) = attempts.next() else {
        let detail = format!("{MAX_ATTEMPTS} attempts failed, the last one so: {error}");
        let rejection = Rejection::new(Reason::ApplyFailed, detail);
        return away(worker, delivery, envelope, &rejection, &attempts).await;
    };
    worker.metrics.count(envelope.notify_type(), "retried");
    tracing::warn!(
        notice.digest = %envelope.digest(),
        notice.type = envelope.notify_type().0,
        attempt.count = attempts.count(),
        attempt.delay_ms = u64::try_from(delay.length().as_millis()).unwrap_or(u64::MAX),
        error,
        trace.id = trace_id(envelope),
        "a notice fails by itself; it is tried again"
    );
    settle(worker, delivery, envelope, &attempts, Way::Again(delay)).await;
}

/// Takes a notice whose proposal somebody else keeps locked out of the way of the others. That is no attempt: it comes
/// again however long the lock is held.
pub async fn put_aside(worker: &Worker, delivery: &Delivery, envelope: &Envelope) {
    tracing::warn!(
        notice.digest = %envelope.digest(),
        trace.id = trace_id(envelope),
        "somebody keeps the proposal of a notice locked; it is tried again"
    );
    let attempts = so_far(delivery);
    settle(worker, delivery, envelope, &attempts, Way::Again(Delay::Middle)).await;
}

/// Makes a dead letter of a notice whose content will never do.
pub async fn bury(worker: &Worker, delivery: &Delivery, envelope: &Envelope, rejection: &Rejection) {
    let attempts = one_more(delivery, &rejection.to_string());
    away(worker, delivery, envelope, rejection, &attempts).await;
}

async fn away(
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
    settle(worker, delivery, envelope, attempts, Way::Away(rejection)).await;
}

/// Where a notice goes that is put aside.
#[derive(Debug, Clone, Copy)]
enum Way<'r> {
    Again(Delay),
    Away(&'r Rejection),
}

/// Publishes until the broker has it, and acknowledges. Until then the delivery is kept: returned, it would come again
/// at once, and count. The end of the session ends this.
async fn settle(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    attempts: &Attempts,
    way: Way<'_>,
) {
    let publisher = &worker.publisher;
    loop {
        let published = match way {
            Way::Again(delay) => publisher.publish_retry(envelope, attempts, delay).await,
            Way::Away(Rejection { reason, detail }) => {
                publisher.publish_dead(envelope, *reason, detail, attempts).await
            }
        };
        match published {
            Ok(()) => return acknowledge(delivery).await,
            Err(error) => tracing::warn!(error = %error, "a notice cannot be put aside yet; it is kept"),
        }
    }
}

/// What the message says of earlier attempts. A dead letter that was moved back by hand starts anew.
fn so_far(delivery: &Delivery) -> Attempts {
    let was_dead = text_header(delivery, header::DEAD_REASON).is_some();
    let log = text_header(delivery, header::ATTEMPT_LOG).filter(|_| !was_dead);
    Attempts::read(log)
}

/// The earlier attempts, and this one.
fn one_more(delivery: &Delivery, error: &str) -> Attempts {
    let mut attempts = so_far(delivery);
    attempts.fail(Attempt::new(clock::now(), &this_process(), error));
    attempts
}

/// An acknowledgement that is lost makes the notice come again.
pub async fn acknowledge(delivery: &Delivery) {
    if let Err(error) = delivery.acker.ack(BasicAckOptions::default()).await {
        tracing::debug!(error = %error, "an acknowledgement was lost; the notice will come again");
    }
}
