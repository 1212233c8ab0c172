//! Lines about one dead letter, as several pages have them.

use xiebao_core::reason::Reason;

use crate::letter::Letter;
use crate::screen::{beijing, plain};
use crate::words::{Label, Words};

/// `#12  payment notice (2)  open  2026-07-23 09:15:02`
pub fn headline(letter: &Letter, words: &dyn Words) -> String {
    let mut parts = vec![
        format!("#{}", letter.id),
        words.notice(letter.notify_type),
        words.letter_status(letter.status.name()).to_owned(),
        beijing(letter.last_dead_at),
    ];
    if letter.attempts > 1 {
        parts.push(words.times(letter.attempts));
    }
    parts.join("  ")
}

/// The cause in words, with the detail that the worker noted and the reason of a person who discarded the letter.
pub fn cause(letter: &Letter, words: &dyn Words) -> String {
    let cause = format!("{} ({})", reason(&letter.reason, words), plain(&letter.detail));
    let mut line = words.pair(words.label(Label::Why), &cause);
    if let Some(text) = &letter.discard_reason {
        let discarded = words.pair(words.label(Label::DiscardedBecause), &plain(text));
        line = words.clauses(&[line, discarded]);
    }
    line
}

/// How to repair the cause.
pub fn repair(letter: &Letter, words: &dyn Words) -> String {
    let repair = Reason::from_name(&letter.reason).map_or("-", |reason| words.repair(reason));
    words.pair(words.label(Label::Repair), repair)
}

/// A group of causes in words. One of a later release keeps its name.
pub fn reason(name: &str, words: &dyn Words) -> String {
    Reason::from_name(name).map_or_else(|| plain(name), |reason| words.reason(reason).to_owned())
}
