//! The receiver's counters and histograms.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::signature::{Keys, VerifiedNotice};
use xiebao_runtime::keys::{KeyRing, Reload};
use xiebao_runtime::metrics::Counted;

use crate::reply::Verdict;
use crate::signatures::Signatures;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoticeLabels {
    notify_type: &'static str,
    verdict: &'static str,
}

/// The metrics of one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    notices: Family<NoticeLabels, Counter>,
    signatures: Arc<Signatures>,
    answer_time: Histogram,
    publish_time: Histogram,
    in_flight: Gauge,
    keys_broken: Gauge,
    keys_partners: Gauge,
}

impl Metrics {
    /// Registers every metric under `xiebao_receiver`.
    pub fn register(registry: &mut Registry, keys: &Keys) -> Self {
        let metrics = Self {
            notices: Family::default(),
            signatures: Arc::new(Signatures::under(keys)),
            answer_time: Histogram::new(latencies()),
            publish_time: Histogram::new(latencies()),
            in_flight: Gauge::default(),
            keys_broken: Gauge::default(),
            keys_partners: Gauge::default(),
        };
        let registry = registry.sub_registry_with_prefix("xiebao_receiver");
        registry.register("notices", "Notices by type and verdict", metrics.notices.clone());
        registry.register_collector(Box::new(Arc::clone(&metrics.signatures)));
        registry.register_with_unit(
            "answer",
            "From the head of a request to its answer",
            Unit::Seconds,
            metrics.answer_time.clone(),
        );
        registry.register_with_unit(
            "publish",
            "From a verified notice to the broker's confirm or the time-out",
            Unit::Seconds,
            metrics.publish_time.clone(),
        );
        registry.register("in_flight", "Requests being answered", metrics.in_flight.clone());
        registry.register(
            "keys_broken",
            "1 while the keys file is broken and the previous keys are in force",
            metrics.keys_broken.clone(),
        );
        registry.register(
            "keys_partners",
            "Partners that have keys",
            metrics.keys_partners.clone(),
        );
        metrics
    }

    /// Counts and times an answered request.
    pub fn note_answer(&self, notify_type: Option<NotifyType>, verdict: Verdict, took: Duration) {
        let labels = NoticeLabels {
            notify_type: type_label(notify_type),
            verdict: verdict.name(),
        };
        self.notices.get_or_create(&labels).inc();
        self.answer_time.observe(took.as_secs_f64());
    }

    /// Counts an authentic notice by key and signed text.
    pub fn note_signature(&self, notice: &VerifiedNotice) {
        self.signatures
            .note(notice.partner_id(), notice.key_index(), notice.form());
    }

    /// Times a publish.
    pub fn note_publish(&self, took: Duration) {
        self.publish_time.observe(took.as_secs_f64());
    }

    /// Counts a request as in flight until the result is dropped.
    pub fn enter(&self) -> Counted {
        Counted::in_gauge(&self.in_flight)
    }

    /// Requests in flight now.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// An observer that updates the gauges of the keys file.
    pub fn keys_observer(&self, ring: Arc<KeyRing>) -> impl Fn(&Reload) + use<> {
        let (broken, partners) = (self.keys_broken.clone(), self.keys_partners.clone());
        let signatures = Arc::clone(&self.signatures);
        move |outcome| {
            if matches!(outcome, Reload::Replaced) {
                signatures.follow(&ring.keys());
            }
            broken.set(i64::from(matches!(outcome, Reload::Broken(_))));
            partners.set(i64::try_from(ring.keys().0.len()).unwrap_or(i64::MAX));
        }
    }
}

/// 0.5 ms to 16 s.
fn latencies() -> impl Iterator<Item = f64> {
    exponential_buckets(0.000_5, 2.0, 16)
}

/// Bounds the labels, whatever type a sender invents.
fn type_label(notify_type: Option<NotifyType>) -> &'static str {
    match notify_type.map(Step::of) {
        None => "unread",
        Some(None) => "other",
        Some(Some(step)) => step.name(),
    }
}
