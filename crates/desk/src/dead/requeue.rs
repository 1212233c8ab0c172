//! Dead letters that go back to the queue: which ones, and how far it has come. The caller publishes them.

use std::collections::BTreeMap;

use xiebao_store::sql::dead_letters::DeadLetter;
use xiebao_store::{Store, StoreError};

use super::groups::{self, LetterGroup};
use super::{Filter, LetterChoice, existing};
use crate::letter::NotRequeueable;
use crate::words::Words;

/// How many letters that cannot be requeued are named; more are only counted.
const MOST_NAMED: usize = 20;

/// The letters that are to be requeued.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Finds them.
    pub filter: Filter,
    /// They were named by number, not searched for.
    pub by_number: bool,
    /// The named ones that do not exist.
    pub missing: Vec<i64>,
    /// The others, by group of causes.
    pub groups: Vec<LetterGroup>,
    /// How many letters exist.
    pub total: i64,
}

/// Looks up the chosen letters. A search finds the letters that are dead now.
pub async fn choose(store: &Store, choice: &LetterChoice) -> Result<Chosen, StoreError> {
    let mut conn = store.connection().await?;
    let filter = choice.filter(&mut conn).await?;
    let named = choice.named();
    let found = existing(&mut conn, &named, &filter).await?;
    let exists = |id: &i64| found.iter().any(|letter| letter.id == *id);
    let missing = named.iter().copied().filter(|id| !exists(id)).collect();
    let groups = groups::read(&mut conn, &filter).await?;
    Ok(Chosen {
        total: groups.iter().map(|group| group.count).sum(),
        filter,
        by_number: matches!(choice, LetterChoice::Named(_)),
        missing,
        groups,
    })
}

impl Chosen {
    /// Every named letter exists, and there is at least one letter.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.total > 0
    }

    /// The letters that would be requeued, as text.
    pub fn rehearsal_page(&self, words: &dyn Words) -> String {
        words.would_requeue(self.total) + &groups::table(&self.groups, words)
    }

    /// The named letters that do not exist, as text.
    pub fn missing_page(&self, words: &dyn Words) -> String {
        self.missing.iter().map(|id| words.no_such_letter(*id)).collect()
    }
}

/// How far a requeueing has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequeueProgress {
    /// The letters that are on the queue and marked as requeued.
    pub requeued: Vec<i64>,
    /// How many of them there are per group of causes.
    pub by_reason: BTreeMap<String, usize>,
    /// The first letters that cannot be requeued, with the reason.
    pub unreadable: Vec<(i64, NotRequeueable)>,
    /// How many letters cannot be requeued.
    pub unreadable_count: usize,
    /// A person stopped it before the end.
    pub interrupted: bool,
}

impl RequeueProgress {
    /// Every chosen letter is on the queue.
    pub fn is_whole(&self) -> bool {
        self.unreadable_count == 0 && !self.interrupted
    }

    /// How many letters were looked at.
    pub fn looked_at(&self) -> usize {
        self.requeued.len() + self.unreadable_count
    }

    /// Counts a letter that is on the queue.
    pub fn requeued(&mut self, letter: DeadLetter) {
        self.requeued.push(letter.id);
        *self.by_reason.entry(letter.reason).or_default() += 1;
    }

    /// Counts a letter that cannot be requeued.
    pub fn unreadable(&mut self, id: i64, why: NotRequeueable) {
        self.unreadable_count += 1;
        if self.unreadable.len() < MOST_NAMED {
            self.unreadable.push((id, why));
        }
    }

    /// The progress as text.
    pub fn page(&self, chosen: &Chosen, words: &dyn Words) -> String {
        let mut page = if chosen.by_number {
            self.requeued.iter().map(|id| words.requeued(*id)).collect()
        } else {
            words.requeued_all(self.requeued.len(), &self.by_reason)
        };
        for (id, why) in &self.unreadable {
            page += &words.not_requeueable(*id, why);
        }
        if self.unreadable_count > self.unreadable.len() {
            page += &words.more_not_requeueable(self.unreadable_count - self.unreadable.len());
        }
        if self.interrupted {
            let looked_at = i64::try_from(self.looked_at()).unwrap_or(chosen.total);
            page += &words.interrupted((chosen.total - looked_at).max(0));
        }
        page
    }
}
