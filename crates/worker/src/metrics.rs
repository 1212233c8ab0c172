//! A worker's counters and histograms. Names and units follow Prometheus' conventions; labels are bounded.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::reason::Reason;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_store::transaction::Outcome;

/// Labels of `notices`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NoticeLabels {
    /// The name of the step, `other` for undocumented types.
    notify_type: &'static str,
    /// `applied`, `held`, `duplicate`, `ignored`, or the reason of a dead letter.
    result: &'static str,
}

/// Labels of `released`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReleaseLabels {
    /// One of [`WAYS`].
    how: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    notify_type: &'static str,
}

/// How held notices are released, in the order of the counts of an [`Outcome`].
const WAYS: [&str; 4] = ["in_order", "timed_out", "dead_lettered", "by_hand"];

/// The metrics of one worker.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Deliveries by type and result.
    pub notices: Family<NoticeLabels, Counter>,
    /// Released holds.
    pub released: Family<ReleaseLabels, Counter>,
    /// Seconds from receipt to commit.
    pub lag: Histogram,
    /// Deliveries per batch.
    pub batch_size: Histogram,
    /// Seconds per transaction.
    pub transaction: Histogram,
    /// Transactions that lost a race for a lock.
    pub conflicts: Counter,
    /// How often a batch began to wait for the database.
    pub pauses: Counter,
    /// Deliveries handed back to their queue.
    pub handed_back: Counter,
    dead_letters: Family<ReasonLabels, Counter>,
    late: Family<StepLabels, Counter>,
    /// Unanswered deliveries.
    pub in_hand: Gauge,
    /// Batches that lanes are processing.
    pub at_work: Gauge,
}

impl Default for Metrics {
    /// Series with known labels exist from the start, so that the first event shows as an increase.
    fn default() -> Self {
        let metrics = Self {
            notices: Family::default(),
            released: Family::default(),
            lag: Histogram::new(exponential_buckets(0.001, 2.0, 20)),
            batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            transaction: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            conflicts: Counter::default(),
            pauses: Counter::default(),
            handed_back: Counter::default(),
            dead_letters: Family::default(),
            late: Family::default(),
            in_hand: Gauge::default(),
            at_work: Gauge::default(),
        };
        for how in WAYS {
            drop(metrics.released.get_or_create(&ReleaseLabels { how }));
        }
        for reason in Reason::ALL {
            metrics.count_dead_letters(reason, 0);
        }
        for step in Step::ALL {
            let notify_type = step.name();
            drop(metrics.late.get_or_create(&StepLabels { notify_type }));
        }
        metrics
    }
}

impl Metrics {
    /// Registers every metric; the registry adds the prefix of the service.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("notices", "Deliveries by type and result", self.notices.clone());
        registry.register("released", "Held notices released, by how", self.released.clone());
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
            "How often work began to wait for the database",
            self.pauses.clone(),
        );
        registry.register(
            "handed_back",
            "Deliveries returned to their queue as new messages, in a long outage of the database",
            self.handed_back.clone(),
        );
        registry.register(
            "dead_letters",
            "Dead letters filed, by reason; one that is filed again counts again",
            self.dead_letters.clone(),
        );
        registry.register(
            "late",
            "Notices that came after one whose wait for them had timed out",
            self.late.clone(),
        );
        registry.register(
            "deliveries_in_hand",
            "Deliveries taken from the broker and not yet acknowledged",
            self.in_hand.clone(),
        );
        registry.register(
            "batches_at_work",
            "Batches being processed, of worker.lanes",
            self.at_work.clone(),
        );
    }

    /// Counts one delivery.
    pub fn count(&self, notify_type: NotifyType, result: &'static str) {
        let notify_type = Step::of(notify_type).map_or("other", Step::name);
        self.notices
            .get_or_create(&NoticeLabels { notify_type, result })
            .inc();
    }

    /// Counts the releases, late notices and dead letters of a committed transaction.
    pub fn count_outcome(&self, outcome: &Outcome) {
        let counts = [outcome.released, outcome.timed_out, outcome.dead, outcome.let_go];
        for (how, count) in WAYS.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.released
                .get_or_create(&ReleaseLabels { how })
                .inc_by(count as u64);
        }
        // In a worker's transaction only a hold that timed out becomes a dead letter.
        self.count_dead_letters(Reason::TimedOut, outcome.dead);
        for step in outcome.late.iter().flat_map(|steps| steps.iter()) {
            self.late
                .get_or_create(&StepLabels {
                    notify_type: step.name(),
                })
                .inc();
        }
    }

    /// Counts dead letters by reason.
    pub fn count_dead_letters(&self, reason: Reason, count: usize) {
        let labels = ReasonLabels {
            reason: reason.name(),
        };
        self.dead_letters.get_or_create(&labels).inc_by(count as u64);
    }
}

/// The value of the label `result` for a decision.
pub fn result_label(decided: &DeliveryOutcome) -> &'static str {
    match decided {
        DeliveryOutcome::Applied => "applied",
        DeliveryOutcome::Held(_) => "held",
        DeliveryOutcome::Duplicate => "duplicate",
        DeliveryOutcome::Rejected(rejection) => rejection.reason.name(),
    }
}
