use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::Step;
use xiebao_store::prune;

use crate::fact::Fact;

/// The sentences of `prune`, `stuck`, `refused` and `status`.
pub trait WatchWords {
    /// The bodies that were or would be emptied, and the proposals that were left whole.
    fn pruned(&self, report: &prune::Report, before: DateTime<Utc>, dry_run: bool) -> String;
    fn too_young(&self, least: &str) -> String;
    fn nothing_stuck(&self) -> &'static str;
    fn stands_since(&self, at: &str, standing: TimeDelta) -> String;
    fn lacks(&self, step: Option<Step>) -> String;
    fn nothing_refused(&self) -> &'static str;
    /// The notice has come since, or not. `None`: its requests do not identify it.
    fn has_arrived(&self, arrived: Option<bool>) -> &'static str;
    fn claims_are_claims(&self) -> &'static str;
    fn fact(&self, fact: &Fact) -> String;
    /// The command to run next.
    fn next_step(&self, fact: &Fact) -> Option<&'static str>;
}
