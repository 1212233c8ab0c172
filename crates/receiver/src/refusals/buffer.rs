//! Refused requests in memory: united by what they claim, bounded, and turned into records.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use xiebao_core::refused::{RECORDS, Refused, claimed};

use super::Claims;
use super::allowance::Allowance;
use crate::reply::Verdict;

/// Cap on pending authentic notices, which the platform gives up sending in the end.
const MAX_AUTHENTIC: usize = 10_000;
/// Cap on pending unauthenticated records; anyone can forge these.
const MAX_CLAIMED: usize = 1_000;
/// Cap on pending records from addresses that may not post. They take no room from the others.
pub(super) const MAX_STRANGERS: usize = 200;

/// Interval between messages of unauthenticated records. All but the last of them are full: a flood must not push
/// authentic records out of the queue.
pub(super) const CLAIMS_INTERVAL: Duration = Duration::from_secs(60);

/// The pending requests of one receiver.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    authentic: HashMap<RefusalKey, Tries>,
    pub(super) claimed: HashMap<RefusalKey, Tries>,
    pub(super) strangers: HashMap<RefusalKey, Tries>,
    allowance: Allowance,
    strangers_allowance: Allowance,
    /// Entries of `claimed` and `strangers` that are due.
    due: Vec<(RefusalKey, Tries)>,
    claims_due_at: Option<DateTime<Utc>>,
    /// The message that was published and is not confirmed. The broker may have it, so it is published again unchanged,
    /// and each record is filed once.
    unconfirmed: Vec<Refused>,
    /// Record ids are unique by a random number of this process and this counter.
    last_number: u64,
    process: Option<u64>,
}

/// Requests with equal keys become one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RefusalKey {
    pub verdict: Verdict,
    pub source: Option<IpAddr>,
    pub claims: Claims,
}

/// When and how often a request was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    count: i64,
}

impl Tries {
    /// One request at this time.
    pub fn once(at: DateTime<Utc>) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
        }
    }
}

impl Buffer {
    /// Tells if an unauthenticated request is kept; if so, counts it against the allowance of its source.
    pub fn admits(&mut self, verdict: Verdict, source: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let allowance = match verdict {
            Verdict::NotAllowed => &mut self.strangers_allowance,
            _ => &mut self.allowance,
        };
        allowance.admits(verdict, source, now)
    }

    /// Adds a request, unless its part of the buffer is full.
    pub fn add(&mut self, key: RefusalKey, more: Tries) {
        let (pending, cap) = match (key.claims.is_authentic(), key.verdict == Verdict::NotAllowed) {
            (true, _) => (&mut self.authentic, MAX_AUTHENTIC),
            (false, false) => (&mut self.claimed, MAX_CLAIMED),
            (false, true) => (&mut self.strangers, MAX_STRANGERS),
        };
        if let Some(known) = pending.get_mut(&key) {
            known.first = known.first.min(more.first);
            known.last = known.last.max(more.last);
            known.count += more.count;
        } else if pending.len() < cap {
            pending.insert(key, more);
        }
    }

    /// Makes the unauthenticated requests due, once per [`CLAIMS_INTERVAL`].
    pub fn gather(&mut self, now: DateTime<Utc>) {
        let too_soon = |at: DateTime<Utc>| (now - at).abs().to_std().is_ok_and(|ago| ago < CLAIMS_INTERVAL);
        let nothing = self.claimed.is_empty() && self.strangers.is_empty();
        if nothing || !self.due.is_empty() || self.claims_due_at.is_some_and(too_soon) {
            return;
        }
        self.claims_due_at = Some(now);
        self.gather_all();
    }

    /// Makes every unauthenticated request due.
    pub fn gather_all(&mut self) {
        self.due.extend(self.strangers.drain());
        // Messages are filled from the end, so these go first.
        self.due.extend(self.claimed.drain());
    }

    /// The next message: the unconfirmed one, or as many records as fit, the authentic ones first. Empty if nothing is due.
    pub fn next_message(&mut self) -> Vec<Refused> {
        if self.unconfirmed.is_empty() {
            let keys: Vec<RefusalKey> = self.authentic.keys().take(RECORDS).cloned().collect();
            let mut batch: Vec<(RefusalKey, Tries)> = keys
                .into_iter()
                .filter_map(|key| self.authentic.remove_entry(&key))
                .collect();
            let rest = self.due.len().saturating_sub(RECORDS - batch.len());
            batch.extend(self.due.drain(rest..));
            self.unconfirmed = batch.iter().map(|(key, tries)| self.record(key, tries)).collect();
        }
        self.unconfirmed.clone()
    }

    /// Forgets the last message: the broker has it.
    pub fn confirmed(&mut self) {
        self.unconfirmed.clear();
    }

    fn record(&mut self, key: &RefusalKey, tries: &Tries) -> Refused {
        let process = *self.process.get_or_insert_with(rand::random);
        self.last_number += 1;
        Refused {
            id: format!("{process:016x}{:016x}", self.last_number),
            first_at: tries.first,
            last_at: tries.last,
            tries: tries.count,
            verdict: key.verdict.name().to_owned(),
            source: key.source.map(|source| source.to_string()),
            insure_num: key.claims.insure_num.as_deref().and_then(claimed),
            notify_type: key.claims.notify_type,
            partner_id: key.claims.partner_id,
            digest: key.claims.digest.clone(),
        }
    }
}
