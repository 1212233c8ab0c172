//! What a worker counts. Names and units by Prometheus' conventions; labels are bounded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::reason::Reason;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_runtime::metrics::register_look_up;

use crate::Worker;
use xiebao_store::transaction::Outcome;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NoticeLabels {
    /// The name of the step, `other` for undocumented types.
    notify_type: &'static str,
    /// `applied`, `held`, `duplicate`, `ignored`, or the reason of a dead letter.
    result: &'static str,
}

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

/// How held notices go, in the order of the counts of an [`Outcome`].
const WAYS: [&str; 4] = ["in_order", "timed_out", "dead_lettered", "by_hand"];

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
    dead_letters: Family<ReasonLabels, Counter>,
    late: Family<StepLabels, Counter>,
    /// Deliveries that the broker has not been answered for.
    pub in_hand: Gauge,
    /// Batches that lanes are at.
    pub at_work: Gauge,
}

impl Default for Metrics {
    /// What can be listed beforehand is there from the start, so that the first event is seen as a rise.
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
    /// Takes all of them up, without the prefix of the service.
    pub fn register(&self, registry: &mut Registry) {
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
        registry.register(
            "dead_letters",
            "Dead letters filed, by reason; one that is filed again counts again",
            self.dead_letters.clone(),
        );
        registry.register(
            "late",
            "Notices that came after one that had waited for them in vain",
            self.late.clone(),
        );
        registry.register(
            "deliveries_in_hand",
            "Deliveries that the broker has not been answered for",
            self.in_hand.clone(),
        );
        registry.register(
            "batches_at_work",
            "Batches that lanes are at, of worker.lanes",
            self.at_work.clone(),
        );
    }

    pub fn count(&self, notify_type: NotifyType, result: &'static str) {
        let notify_type = Step::of(notify_type).map_or("other", Step::name);
        self.notices
            .get_or_create(&NoticeLabels { notify_type, result })
            .inc();
    }

    pub fn count_outcome(&self, outcome: &Outcome) {
        let counts = [outcome.released, outcome.timed_out, outcome.dead, outcome.let_go];
        for (how, count) in WAYS.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.released
                .get_or_create(&ReleaseLabels { how })
                .inc_by(count as u64);
        }
        // What is dead by a transaction of a worker was held in vain.
        self.count_dead_letters(Reason::TimedOut, outcome.dead);
        for step in outcome.late.iter().flat_map(|steps| steps.iter()) {
            self.late
                .get_or_create(&StepLabels {
                    notify_type: step.name(),
                })
                .inc();
        }
    }

    pub fn count_dead_letters(&self, reason: Reason, count: usize) {
        let labels = ReasonLabels {
            reason: reason.name(),
        };
        self.dead_letters.get_or_create(&labels).inc_by(count as u64);
    }
}

/// Everything that a worker tells of itself.
pub fn registry(worker: &Arc<Worker>) -> Registry {
    let mut registry = Registry::default();
    let of_worker = registry.sub_registry_with_prefix("xiebao_worker");
    worker.metrics.register(of_worker);
    of_worker.register_collector(Box::new(Arc::clone(&worker.samples)));
    let mut state = |name, help, holds: fn(&Worker) -> bool| {
        let worker = Arc::clone(worker);
        register_look_up(of_worker, name, help, move || i64::from(holds(&worker)));
    };
    state(
        "broker_up",
        "1 while the broker is reached and takes messages",
        |worker| worker.publisher.ready().is_ok(),
    );
    state(
        "consuming",
        "1 while deliveries are taken from the broker",
        |worker| worker.consuming.load(Ordering::Relaxed),
    );
    state(
        "database_up",
        "1 while the database does what it is asked, and has its tables",
        |worker| worker.database_trouble().is_none(),
    );
    state(
        "paused",
        "1 while work that was begun waits for the database",
        |worker| worker.waiting.any() || worker.filing.any(),
    );
    registry
}

/// The label of a verdict.
pub fn result_of(verdict: &DeliveryOutcome) -> &'static str {
    match verdict {
        DeliveryOutcome::Applied => "applied",
        DeliveryOutcome::Held(_) => "held",
        DeliveryOutcome::Duplicate => "duplicate",
        DeliveryOutcome::Rejected(rejection) => rejection.reason.name(),
    }
}
