use chrono::{DateTime, Utc};
use xiebao_worker::prune;

/// The sentences of the commands that keep the store small and tell what needs a person: `prune`.
pub trait WatchWords {
    /// What was emptied, or would be, and what was left whole.
    fn pruned(&self, report: &prune::Report, before: DateTime<Utc>, dry_run: bool) -> String;
    fn too_young(&self, least: &str) -> String;
}
