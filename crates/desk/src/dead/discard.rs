//! Dead letters that a person gives up, with the reason.

use chrono::{DateTime, Utc};
use xiebao_store::sql::dead_letters::{self, DeadLetterStatus};
use xiebao_store::{Connection, Store, StoreError, decisions};

use super::groups::{self, LetterGroup};
use super::{Filter, LetterChoice, existing};
use crate::words::Words;

/// Letters per transaction.
const PAGE: i64 = 500;

/// Who discards, and why.
#[derive(Debug, Clone, Copy)]
pub struct Reasons<'r> {
    /// Why nothing is lost by it; kept with the letter.
    pub why: &'r str,
    /// Who decides, for the log of operations.
    pub actor: &'r str,
    /// Reads the time of each transaction.
    pub clock: fn() -> DateTime<Utc>,
}

/// The answer to [`discard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discarded {
    /// The outcome for each letter that was named.
    Named(Vec<(i64, LetterOutcome)>),
    /// How many letters a search found and discarded.
    Found(usize),
}

/// The outcome for a letter that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterOutcome {
    /// It is discarded now.
    Discarded,
    /// It was discarded before; its reason stays.
    DiscardedBefore,
    /// It is on the queue, so it is not open.
    Requeued,
    /// There is no such letter.
    Missing,
}

/// The open letters that [`discard`] would discard, by group of causes.
pub async fn rehearse(store: &Store, choice: &LetterChoice) -> Result<Vec<LetterGroup>, StoreError> {
    let mut conn = store.connection().await?;
    let mut filter = choice.filter(&mut conn).await?;
    filter.status = Some(DeadLetterStatus::Open);
    groups::read(&mut conn, &filter).await
}

/// Discards the open ones of the chosen letters.
pub async fn discard(
    store: &Store,
    choice: &LetterChoice,
    reasons: Reasons<'_>,
) -> Result<Discarded, StoreError> {
    let mut conn = store.connection().await?;
    let filter = choice.filter(&mut conn).await?;
    let named = choice.named();
    let before = existing(&mut conn, &named, &filter).await?;
    let discarded = pages(&mut conn, &filter, reasons).await?;
    if let LetterChoice::Found(_) = choice {
        return Ok(Discarded::Found(discarded.len()));
    }
    let outcome = |id: i64| {
        if discarded.contains(&id) {
            return LetterOutcome::Discarded;
        }
        match before.iter().find(|letter| letter.id == id) {
            None => LetterOutcome::Missing,
            Some(letter) if letter.status == DeadLetterStatus::Discarded => LetterOutcome::DiscardedBefore,
            Some(_) => LetterOutcome::Requeued,
        }
    };
    Ok(Discarded::Named(
        named.into_iter().map(|id| (id, outcome(id))).collect(),
    ))
}

/// One page per transaction. Returns the numbers of the letters that it discarded.
async fn pages(conn: &mut Connection, filter: &Filter, reasons: Reasons<'_>) -> Result<Vec<i64>, StoreError> {
    let Reasons { why, actor, clock } = reasons;
    let (mut after, mut discarded) = (0, Vec::new());
    loop {
        let page = dead_letters::page(conn, filter, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(discarded);
        };
        after = last.id;
        let ids: Vec<i64> = page.iter().map(|letter| letter.id).collect();
        let letters = decisions::discard(conn, &ids, why, actor, clock()).await?;
        discarded.extend(letters.iter().map(|letter| letter.id));
    }
}

/// The groups of a rehearsal as text.
pub fn rehearsal_page(groups: &[LetterGroup], words: &dyn Words) -> String {
    match groups.iter().map(|group| group.count).sum::<i64>() {
        0 => words.no_dead_letters().to_owned(),
        total => words.would_discard(total) + &groups::table(groups, words),
    }
}

impl Discarded {
    /// Every letter that was meant is discarded, and there was at least one.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Found(count) => *count > 0,
            Self::Named(outcomes) => outcomes.iter().all(|(_, outcome)| outcome.is_discarded()),
        }
    }

    /// The outcome as text.
    pub fn page(&self, words: &dyn Words) -> String {
        match self {
            Self::Found(count) => words.discarded_all(*count),
            Self::Named(outcomes) => outcomes
                .iter()
                .map(|(id, outcome)| outcome.line(*id, words))
                .collect(),
        }
    }
}

impl LetterOutcome {
    fn is_discarded(self) -> bool {
        matches!(self, Self::Discarded | Self::DiscardedBefore)
    }

    fn line(self, id: i64, words: &dyn Words) -> String {
        match self {
            Self::Discarded => words.discarded(id),
            Self::DiscardedBefore => words.discarded_already(id),
            Self::Requeued => words.not_discardable(id),
            Self::Missing => words.no_such_letter(id),
        }
    }
}
