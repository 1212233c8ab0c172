//! Dead letters that match a filter, with their groups of causes.

use serde::Serialize;
use xiebao_store::sql::dead_letters::{self, Filter};
use xiebao_store::{Store, StoreError};

use super::groups::{self, LetterGroup};
use crate::letter::Letter;
use crate::screen::{columns, plain};
use crate::words::Words;

/// The answer to [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterList {
    /// All letters that match, counted by cause.
    pub groups: Vec<LetterGroup>,
    /// The first of them.
    pub letters: Vec<Letter>,
    /// There are more than `letters` has.
    pub cut: bool,
}

/// The letters that match, at most `limit` of them.
pub async fn list(store: &Store, filter: &Filter, limit: u32) -> Result<LetterList, StoreError> {
    let mut conn = store.connection().await?;
    let groups = groups::read(&mut conn, filter).await?;
    let rows = dead_letters::select(&mut conn, filter, limit.into()).await?;
    let all: i64 = groups.iter().map(|group| group.count).sum();
    Ok(LetterList {
        cut: usize::try_from(all).is_ok_and(|all| all > rows.len()),
        groups,
        letters: rows.iter().map(Letter::of).collect(),
    })
}

impl LetterList {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.groups.is_empty() {
            return words.no_dead_letters().to_owned();
        }
        let letters: Vec<[String; 5]> = self.letters.iter().map(|letter| row(letter, words)).collect();
        let cut = words.if_cut(self.cut, self.letters.len());
        let hint = match self
            .letters
            .iter()
            .any(|letter| letter.is_open() && letter.needs_a_new_notice())
        {
            true => words.only_a_new_notice_helps(),
            false => "",
        };
        format!(
            "{}\n{}{hint}\n{}{cut}",
            words.times_are_beijing(),
            groups::table(&self.groups, words),
            columns(0, &letters)
        )
    }
}

fn row(letter: &Letter, words: &dyn Words) -> [String; 5] {
    [
        format!("#{}", letter.id),
        plain(letter.insure_num.as_deref().unwrap_or("-")),
        words.notice(letter.notify_type),
        format!(
            "{}  {}",
            words.letter_status(letter.status.name()),
            words.times(letter.attempts)
        ),
        format!("{}: {}", letter.reason, plain(&letter.detail)),
    ]
}
