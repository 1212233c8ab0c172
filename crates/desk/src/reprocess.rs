//! Ignored notices of a type that is subscribed by now: which can be applied, and the report as text.

use xiebao_core::id::{NotifyType, Step};
use xiebao_core::rules::Rules;
use xiebao_store::reprocess::Reprocessed;
use xiebao_store::sql::notices;
use xiebao_store::{Store, StoreError};

use crate::screen::plain;
use crate::words::Words;

/// Why notices of a type cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotApplicable {
    /// The platform does not document the type.
    Undocumented(NotifyType),
    /// The configuration does not subscribe to it.
    NotSubscribed(NotifyType),
}

/// The type is documented and subscribed.
pub fn check(notify_type: NotifyType, rules: &Rules) -> Result<(), NotApplicable> {
    match Step::of(notify_type) {
        None => Err(NotApplicable::Undocumented(notify_type)),
        Some(step) if !rules.is_subscribed(step) => Err(NotApplicable::NotSubscribed(notify_type)),
        Some(_) => Ok(()),
    }
}

impl NotApplicable {
    /// The reason as text.
    pub fn text(self, words: &dyn Words) -> String {
        match self {
            Self::Undocumented(notify_type) => words.undocumented(notify_type.0),
            Self::NotSubscribed(notify_type) => words.not_subscribed(notify_type.0),
        }
    }
}

/// The ignored notices of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IgnoredCount {
    /// How many can be applied.
    pub count: i64,
    /// How many stay ignored because their bodies are gone.
    pub pruned: i64,
}

/// Counts the ignored notices of a type.
pub async fn count(store: &Store, notify_type: NotifyType) -> Result<IgnoredCount, StoreError> {
    let mut conn = store.connection().await?;
    let (count, pruned) = notices::count_ignored(&mut conn, notify_type).await?;
    Ok(IgnoredCount { count, pruned })
}

impl IgnoredCount {
    /// The count as text.
    pub fn page(self, words: &dyn Words) -> String {
        let mut page = words.would_reprocess(self.count);
        if self.pruned > 0 {
            page += &words.pruned_not_reprocessed(self.pruned);
        }
        page
    }
}

/// The report as text.
pub fn page(done: &Reprocessed, words: &dyn Words) -> String {
    let mut page = words.reprocessed(done.applied, done.held, done.dead);
    if done.pruned > 0 {
        page += &words.pruned_not_reprocessed(done.pruned);
    }
    if done.refused > 0 {
        page += &words.not_reprocessed(done.refused);
        for example in &done.refused_examples {
            page += &format!("  {}\n", plain(example));
        }
    }
    page
}
