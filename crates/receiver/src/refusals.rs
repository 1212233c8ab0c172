//! What was refused, for people to ask the platform for: kept in memory, little of it, and told to the broker in the
//! background. Best effort: everything refused is in the log too, and nothing that is accepted comes here.

mod allowance;
mod claims;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::{NotifyType, PartnerId};
use xiebao_core::refused::{RECORDS, Refused, claimed};
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::clock;

use crate::reply::Verdict;
use allowance::Allowance;
pub(crate) use claims::Claims;

/// Distinct notices that were authentic and are waiting to be told of. These are what the platform gives up on.
const MOST_AUTHENTIC: usize = 10_000;
/// The same of what anybody can make up.
const MOST_CLAIMED: usize = 1_000;
/// The same of what came from an address that may not post. It takes no room from what came from one that may.
const MOST_STRANGERS: usize = 200;

/// The platform's second try comes after 3 s: both are told of together.
const GATHER: Duration = Duration::from_secs(5);

/// What is not authentic is told no more often, in messages that are full but for the last: a flood must not push the
/// authentic out of the queue.
const CLAIMS_EVERY: Duration = Duration::from_secs(60);

/// What was refused and is not told of yet.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kept: Mutex<Kept>,
    more: Notify,
    /// It is said that the broker does not take them.
    said: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    authentic: HashMap<Kind, Pending>,
    claimed: HashMap<Kind, Pending>,
    strangers: HashMap<Kind, Pending>,
    allowance: Allowance,
    strangers_allowance: Allowance,
    /// Of `claimed` and `strangers` what is told now.
    due: Vec<(Kind, Pending)>,
    claims_told_at: Option<DateTime<Utc>>,
    /// What was given to the broker and not confirmed: the broker may have it, so it is given again as it is, and filed
    /// once.
    written: Vec<Refused>,
    /// Told of together with a number of this process, so that no two records are alike.
    numbered: u64,
    process: Option<u64>,
}

/// What is told of as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    verdict: Verdict,
    source: Option<IpAddr>,
    claims: Claims,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    tries: i64,
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct Refusal<'r> {
    pub verdict: Verdict,
    pub source: Option<IpAddr>,
    pub notify_type: Option<NotifyType>,
    pub partner: Option<PartnerId>,
    /// Of an authentic notice: its digest and the number that it names.
    pub authentic: Option<(String, Option<String>)>,
    /// Of others: what it claims is looked for in here.
    pub body: Option<&'r Bytes>,
}

impl Refusals {
    /// Keeps what is to be told of a refused request, if there is room.
    pub fn note(&self, refusal: &Refusal<'_>) {
        let now = clock::now();
        let mut kept = self.kept();
        // Before anything is read: what is made up in a flood costs nothing.
        if refusal.authentic.is_none() && !kept.admits(refusal.verdict, refusal.source, now) {
            return;
        }
        drop(kept);
        let kind = Kind {
            verdict: refusal.verdict,
            source: refusal.source,
            claims: Claims::of(refusal),
        };
        let once = Pending {
            first: now,
            last: now,
            tries: 1,
        };
        self.kept().add(kind, once);
        self.more.notify_one();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the broker, a message at a time, until `enough`.
    pub async fn keep_telling(&self, publisher: &Publisher, enough: &CancellationToken) {
        let telling = async {
            loop {
                // What is not due yet must not wait for the next.
                let _ = tokio::time::timeout(CLAIMS_EVERY, self.more.notified()).await;
                tokio::time::sleep(GATHER).await;
                self.kept().gather(clock::now());
                self.tell(publisher).await;
            }
        };
        // What is given up half way is in `written`.
        enough.run_until_cancelled(telling).await;
    }

    /// Tells of all there is.
    pub async fn tell_all(&self, publisher: &Publisher) {
        self.kept().gather_all();
        self.tell(publisher).await;
    }

    /// Tells of what is gathered; what the broker does not take is kept for the next time. To be called by one at a time.
    async fn tell(&self, publisher: &Publisher) {
        loop {
            let records = self.kept().write();
            if records.is_empty() {
                return;
            }
            if let Err(error) = publisher.publish_refused(&records).await {
                self.more.notify_one();
                match self.said.swap(true, Ordering::Relaxed) {
                    false => tracing::warn!(error = %error, "refused requests cannot be recorded; they are kept in memory"),
                    true => tracing::debug!(error = %error, "refused requests still cannot be recorded"),
                }
                return;
            }
            self.said.store(false, Ordering::Relaxed);
            self.kept().written.clear();
            if records.len() < RECORDS {
                // What has come meanwhile is gathered first.
                return;
            }
        }
    }
}

impl Kept {
    fn admits(&mut self, verdict: Verdict, source: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let allowance = match verdict {
            Verdict::NotAllowed => &mut self.strangers_allowance,
            _ => &mut self.allowance,
        };
        allowance.admits(verdict, source, now)
    }

    fn add(&mut self, kind: Kind, more: Pending) {
        let (pending, most) = match (kind.claims.is_authentic(), kind.verdict == Verdict::NotAllowed) {
            (true, _) => (&mut self.authentic, MOST_AUTHENTIC),
            (false, false) => (&mut self.claimed, MOST_CLAIMED),
            (false, true) => (&mut self.strangers, MOST_STRANGERS),
        };
        if let Some(known) = pending.get_mut(&kind) {
            known.first = known.first.min(more.first);
            known.last = known.last.max(more.last);
            known.tries += more.tries;
        } else if pending.len() < most {
            pending.insert(kind, more);
        }
    }

    /// Makes due what is not authentic, if it is time.
    fn gather(&mut self, now: DateTime<Utc>) {
        let too_soon = |at: DateTime<Utc>| (now - at).abs().to_std().is_ok_and(|ago| ago < CLAIMS_EVERY);
        let nothing = self.claimed.is_empty() && self.strangers.is_empty();
        if nothing || !self.due.is_empty() || self.claims_told_at.is_some_and(too_soon) {
            return;
        }
        self.claims_told_at = Some(now);
        self.gather_all();
    }

    fn gather_all(&mut self) {
        self.due.extend(self.strangers.drain());
        // From the end: these are told first.
        self.due.extend(self.claimed.drain());
    }

    /// The next message: the last one, if that is not confirmed, or as many as fit one, the authentic ones first.
    fn write(&mut self) -> Vec<Refused> {
        if self.written.is_empty() {
            let kinds: Vec<Kind> = self.authentic.keys().take(RECORDS).cloned().collect();
            let mut batch: Vec<(Kind, Pending)> = kinds
                .into_iter()
                .filter_map(|kind| self.authentic.remove_entry(&kind))
                .collect();
            let rest = self.due.len().saturating_sub(RECORDS - batch.len());
            batch.extend(self.due.drain(rest..));
            self.written = batch
                .iter()
                .map(|(kind, pending)| self.record(kind, pending))
                .collect();
        }
        self.written.clone()
    }

    fn record(&mut self, kind: &Kind, pending: &Pending) -> Refused {
        let process = *self.process.get_or_insert_with(rand::random);
        self.numbered += 1;
        Refused {
            id: format!("{process:016x}{:016x}", self.numbered),
            first_at: pending.first,
            last_at: pending.last,
            tries: pending.tries,
            verdict: kind.verdict.name().to_owned(),
            source: kind.source.map(|source| source.to_string()),
            insure_num: kind.claims.insure_num.as_deref().and_then(claimed),
            notify_type: kind.claims.notify_type,
            partner_id: kind.claims.partner_id,
            digest: kind.claims.digest.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
