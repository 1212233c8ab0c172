//! What was refused, for people to ask the platform for: kept in memory, little of it, and told to the broker in the
//! background. Best effort: everything refused is in the log too, and nothing that is accepted comes here.

mod allowance;
mod claims;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use xiebao_core::id::{NotifyType, PartnerId};
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::clock;
use xiebao_runtime::refused::{RECORDS, Refused, claimed};

use crate::reply::Verdict;
use allowance::Allowance;
pub(crate) use claims::Claims;

/// Distinct notices that were authentic and are waiting to be told of. These are what the platform gives up on.
const MOST_AUTHENTIC: usize = 10_000;
/// The same of everything else, which anybody can make up.
const MOST_CLAIMED: usize = 1_000;

/// The platform's second try comes after 3 s: both are told of together.
const GATHER: Duration = Duration::from_secs(5);

/// What was refused and is not told of yet.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kept: Mutex<Kept>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    authentic: HashMap<Kind, Pending>,
    claimed: HashMap<Kind, Pending>,
    allowance: Allowance,
    /// Told of together with a number of this process, so that no two records are alike.
    numbered: u64,
    process: Option<u64>,
}

/// What is told of as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    verdict: &'static str,
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
        if refusal.authentic.is_none() && !kept.allowance.admits(refusal.verdict, refusal.source, now) {
            return;
        }
        drop(kept);
        let kind = Kind {
            verdict: refusal.verdict.name(),
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

    /// Tells the broker, a message at a time, for ever.
    pub async fn keep_telling(&self, publisher: &Publisher) {
        loop {
            self.more.notified().await;
            tokio::time::sleep(GATHER).await;
            self.tell(publisher).await;
        }
    }

    /// Tells of what there is; what the broker does not take is kept for the next time.
    pub async fn tell(&self, publisher: &Publisher) {
        loop {
            let (batch, records) = self.kept().take();
            if records.is_empty() {
                return;
            }
            if let Err(error) = publisher.publish_refused(&records).await {
                tracing::debug!(error = %error, "what was refused can't be told of yet");
                let mut kept = self.kept();
                batch
                    .into_iter()
                    .for_each(|(kind, pending)| kept.add(kind, pending));
                drop(kept);
                self.more.notify_one();
                return;
            }
        }
    }
}

impl Kept {
    fn add(&mut self, kind: Kind, more: Pending) {
        let (pending, most) = match kind.claims.is_authentic() {
            true => (&mut self.authentic, MOST_AUTHENTIC),
            false => (&mut self.claimed, MOST_CLAIMED),
        };
        if let Some(known) = pending.get_mut(&kind) {
            known.first = known.first.min(more.first);
            known.last = known.last.max(more.last);
            known.tries += more.tries;
        } else if pending.len() < most {
            pending.insert(kind, more);
        }
    }

    /// As many as fit one message, the authentic ones first, and as records.
    fn take(&mut self) -> (Vec<(Kind, Pending)>, Vec<Refused>) {
        let mut batch = Vec::new();
        for pending in [&mut self.authentic, &mut self.claimed] {
            let room = RECORDS - batch.len();
            let kinds: Vec<Kind> = pending.keys().take(room).cloned().collect();
            batch.extend(kinds.into_iter().filter_map(|kind| pending.remove_entry(&kind)));
        }
        let records = batch
            .iter()
            .map(|(kind, pending)| self.record(kind, pending))
            .collect();
        (batch, records)
    }

    fn record(&mut self, kind: &Kind, pending: &Pending) -> Refused {
        let process = *self.process.get_or_insert_with(rand::random);
        self.numbered += 1;
        Refused {
            id: format!("{process:016x}{:016x}", self.numbered),
            first_at: pending.first,
            last_at: pending.last,
            tries: pending.tries,
            verdict: kind.verdict.to_owned(),
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
