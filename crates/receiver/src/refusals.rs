//! Refused requests, for people who ask the platform to send them again: kept in bounded memory and published in the
//! background. This is best effort: the log has every refused request too, and accepted notices never come here.

mod allowance;
mod buffer;
mod claims;
mod recorder;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::{NotifyType, PartnerId};
use xiebao_core::refused::RECORDS;
use xiebao_runtime::clock;
use xiebao_runtime::publishing::RefusedPublisher;

use crate::reply::Verdict;
use buffer::{Buffer, CLAIMS_INTERVAL, RefusalKey, Tries};
pub(crate) use claims::Claims;
pub(crate) use recorder::Recorder;

/// The platform repeats a request after 3 s: both tries become one record.
const GATHER: Duration = Duration::from_secs(5);

/// Refused requests that are not yet recorded.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    buffer: Mutex<Buffer>,
    added: Notify,
    /// The warning that the broker does not take them has been logged.
    warned: AtomicBool,
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct Refusal<'r> {
    /// The answer.
    pub verdict: Verdict,
    /// The sender's address, if it is known.
    pub source: Option<IpAddr>,
    /// The claimed type.
    pub notify_type: Option<NotifyType>,
    /// The claimed partner.
    pub partner: Option<PartnerId>,
    /// The digest and the proposal number of an authentic notice.
    pub authentic: Option<(String, Option<String>)>,
    /// The body of any other request, which is searched for a proposal number.
    pub body: Option<&'r Bytes>,
}

impl Refusals {
    /// Keeps a refused request, if there is room.
    pub fn note(&self, refusal: &Refusal<'_>) {
        let now = clock::now();
        let mut buffer = self.buffer();
        // Before the body is parsed, so that a flood of forged requests costs nothing.
        if refusal.authentic.is_none() && !buffer.admits(refusal.verdict, refusal.source, now) {
            return;
        }
        drop(buffer);
        let key = RefusalKey {
            verdict: refusal.verdict,
            source: refusal.source,
            claims: Claims::of(refusal),
        };
        self.buffer().add(key, Tries::once(now));
        self.added.notify_one();
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes records, one message at a time, until `stop`.
    pub async fn keep_publishing(&self, publisher: &RefusedPublisher, stop: &CancellationToken) {
        let publishing = async {
            loop {
                // Requests that are not due yet must not wait for another request.
                let _ = tokio::time::timeout(CLAIMS_INTERVAL, self.added.notified()).await;
                tokio::time::sleep(GATHER).await;
                self.buffer().gather(clock::now());
                self.publish(publisher).await;
            }
        };
        // A message that is cancelled half way stays in the buffer.
        stop.run_until_cancelled(publishing).await;
    }

    /// Publishes every record.
    pub async fn publish_all(&self, publisher: &RefusedPublisher) {
        self.buffer().gather_all();
        self.publish(publisher).await;
    }

    /// Publishes the records that are due; those that the broker does not take are kept. Must not run concurrently.
    async fn publish(&self, publisher: &RefusedPublisher) {
        loop {
            let records = self.buffer().next_message();
            if records.is_empty() {
                return;
            }
            if let Err(error) = publisher.publish(&records).await {
                self.added.notify_one();
                match self.warned.swap(true, Ordering::Relaxed) {
                    false => {
                        tracing::warn!(error = %error, "refused requests cannot be recorded; they are kept in memory");
                    }
                    true => tracing::debug!(error = %error, "refused requests still cannot be recorded"),
                }
                return;
            }
            self.warned.store(false, Ordering::Relaxed);
            self.buffer().confirmed();
            if records.len() < RECORDS {
                // Requests that arrived meanwhile are gathered first.
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
