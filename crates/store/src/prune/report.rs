use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// The numbers of emptied proposals, notices and dead letters, and of those left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Examined proposals.
    pub looked_at: u64,
    /// Proposals whose bodies are gone.
    pub proposals: u64,
    /// Notices whose bodies are gone, those that name no proposal among them.
    pub notices: u64,
    /// Closed dead letters whose bodies are gone.
    pub letters: u64,
    /// The size of all these bodies.
    pub bytes: u64,
    /// Old proposals left whole: a policy was in force until later.
    pub in_force: u64,
    /// Old proposals left whole: an open or later dead letter, an undelivered link, a later operation.
    pub unsettled: u64,
    /// Old proposals that a worker had locked.
    pub busy: u64,
    /// True if everything was examined.
    pub complete: bool,
}

impl Report {
    /// True if any body is gone.
    pub fn has_emptied(&self) -> bool {
        self.notices + self.letters > 0
    }

    pub(super) fn with(&self, other: &Self) -> Self {
        Self {
            looked_at: self.looked_at + other.looked_at,
            proposals: self.proposals + other.proposals,
            notices: self.notices + other.notices,
            letters: self.letters + other.letters,
            bytes: self.bytes + other.bytes,
            in_force: self.in_force + other.in_force,
            unsettled: self.unsettled + other.unsettled,
            busy: self.busy + other.busy,
            complete: self.complete,
        }
    }

    /// For the log of operations.
    pub(super) fn summary(&self, before: DateTime<Utc>) -> String {
        format!(
            "older than {}: {} notices of {} proposals, {} dead letters, {} bytes",
            before.to_rfc3339_opts(SecondsFormat::Secs, true),
            self.notices,
            self.proposals,
            self.letters,
            self.bytes
        )
    }
}
