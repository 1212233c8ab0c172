//! What a worker counts. Names and units by Prometheus' conventions; labels are bounded.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::sequencing::Verdict;

use crate::samples::Samples;
use crate::transaction::Outcome;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NoticeLabels {
    /// The name of the step, `other` for undocumented types.
    notify_type: &'static str,
    /// `applied`, `held`, `duplicate`, `ignored`, or the reason of a dead letter.
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReleaseLabels {
    /// `in_order`, `timed_out`, `dead_lettered` or `by_hand`.
    how: &'static str,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    pub notices: Family<NoticeLabels, Counter>,
    pub released: Family<ReleaseLabels, Counter>,
    pub lag: Histogram,
    pub batch_size: Histogram,
    pub transaction: Histogram,
    pub conflicts: Counter,
    pub pauses: Counter,
    pub handed_back: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            notices: Family::default(),
            released: Family::default(),
            lag: Histogram::new(exponential_buckets(0.001, 2.0, 20)),
            batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            transaction: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            conflicts: Counter::default(),
            pauses: Counter::default(),
            handed_back: Counter::default(),
        }
    }
}

impl Metrics {
    pub fn registry(&self, samples: Arc<Samples>) -> Registry {
        let mut registry = Registry::with_prefix("xiebao_worker");
        registry.register_collector(Box::new(samples));
        registry.register(
            "notices",
            "Deliveries by type and what became of them",
            self.notices.clone(),
        );
        registry.register("released", "Held notices let go, by how", self.released.clone());
        registry.register_with_unit("lag", "From receipt to commit", Unit::Seconds, self.lag.clone());
        registry.register("batch_size", "Deliveries of one batch", self.batch_size.clone());
        registry.register_with_unit(
            "transaction",
            "Duration of a transaction",
            Unit::Seconds,
            self.transaction.clone(),
        );
        registry.register(
            "lock_conflicts",
            "Transactions that lost a race for a lock: a deadlock, or a wait that was too long",
            self.conflicts.clone(),
        );
        registry.register(
            "database_pauses",
            "Times that the database was waited for",
            self.pauses.clone(),
        );
        registry.register(
            "handed_back",
            "Deliveries given back to their queue as new messages, in a long outage of the database",
            self.handed_back.clone(),
        );
        registry
    }

    pub fn count(&self, notify_type: NotifyType, result: &'static str) {
        let notify_type = Step::of(notify_type).map_or("other", Step::name);
        self.notices
            .get_or_create(&NoticeLabels { notify_type, result })
            .inc();
    }

    pub fn count_outcome(&self, outcome: &Outcome) {
        let ways = [
            ("in_order", outcome.released),
            ("timed_out", outcome.timed_out),
            ("dead_lettered", outcome.dead),
            ("by_hand", outcome.let_go),
        ];
        for (how, count) in ways.into_iter().filter(|(_, count)| *count > 0) {
            self.released
                .get_or_create(&ReleaseLabels { how })
                .inc_by(count as u64);
        }
    }
}

/// The label of a verdict.
pub fn result_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => "applied",
        Verdict::Held(_) => "held",
        Verdict::Duplicate => "duplicate",
        Verdict::Rejected(rejection) => rejection.reason.name(),
    }
}
