//! What was last seen of tables and queues, as gauges. What could not be seen has no gauge: an old number would look just
//! like a true one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// What is looked at together: all of it is seen, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Held,
    DeadLetters,
    Queues,
    Stuck,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Held, Self::DeadLetters, Self::Queues, Self::Stuck];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::DeadLetters => "dead_letters",
            Self::Queues => "queues",
            Self::Stuck => "stuck",
        }
    }
}

/// A gauge with its series.
#[derive(Debug)]
pub struct Reading {
    /// Without the prefix of the service and without the unit.
    pub name: &'static str,
    pub help: &'static str,
    pub unit: Option<Unit>,
    pub series: Series,
}

#[derive(Debug)]
pub enum Series {
    One(f64),
    /// By the values of the label of that name, which must be few.
    By(&'static str, Vec<(&'static str, f64)>),
}

/// The last look at each group.
#[derive(Debug, Default)]
pub struct Samples(Mutex<BTreeMap<Group, Sample>>);

#[derive(Debug, Default)]
struct Sample {
    /// When it was seen last.
    seen_at: Option<DateTime<Utc>>,
    /// Empty while it can't be seen.
    readings: Vec<Reading>,
}

impl Samples {
    /// It was seen like this at that time.
    pub fn seen(&self, group: Group, at: DateTime<Utc>, readings: Vec<Reading>) {
        let seen_at = Some(at);
        self.all().insert(group, Sample { seen_at, readings });
    }

    /// It can't be seen now; whether it could be until now.
    pub fn lost(&self, group: Group) -> bool {
        let mut all = self.all();
        let sample = all.entry(group).or_default();
        !std::mem::take(&mut sample.readings).is_empty()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Group, Sample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.all();
        let help =
            "When tables and queues were last seen, which the other gauges of the group tell of; 0: never";
        let mut seen =
            encoder.encode_descriptor("sampled_timestamp", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for group in Group::ALL {
            let seen_at = all.get(&group).and_then(|sample| sample.seen_at);
            let seconds = seen_at.map_or(0.0, |at| at.timestamp_millis() as f64 / 1_000.0);
            seen.encode_family(&[("group", group.name())])?
                .encode_gauge(&seconds)?;
        }
        for reading in all.values().flat_map(|sample| &sample.readings) {
            let unit = reading.unit.as_ref();
            let mut gauge = encoder.encode_descriptor(reading.name, reading.help, unit, MetricType::Gauge)?;
            match &reading.series {
                Series::One(value) => gauge.encode_gauge(value)?,
                Series::By(label, values) => {
                    for (name, value) in values {
                        gauge.encode_family(&[(*label, *name)])?.encode_gauge(value)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn text(samples: &Arc<Samples>) -> String {
        let (mut registry, mut text) = (Registry::with_prefix("xiebao_worker"), String::new());
        registry.register_collector(Box::new(Arc::clone(samples)));
        encode(&mut text, &registry).expect("a string takes everything");
        text
    }

    fn two_letters() -> Vec<Reading> {
        let values = vec![("too_long", 2.0), ("unreadable", 0.0)];
        vec![Reading {
            name: "dead_letters_open",
            help: "Dead letters that wait for a person",
            unit: None,
            series: Series::By("reason", values),
        }]
    }

    #[test]
    fn what_can_no_longer_be_seen_has_no_gauge_but_the_time_when_it_was_seen_last() {
        let samples = Arc::new(Samples::default());
        assert!(text(&samples).contains("xiebao_worker_sampled_timestamp_seconds{group=\"dead_letters\"} 0"));
        let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        samples.seen(Group::DeadLetters, at, two_letters());
        let seen = text(&samples);
        assert!(
            seen.contains("xiebao_worker_dead_letters_open{reason=\"too_long\"} 2"),
            "{seen}"
        );
        assert!(samples.lost(Group::DeadLetters));
        assert!(!samples.lost(Group::DeadLetters), "told once");
        let lost = text(&samples);
        assert!(!lost.contains("dead_letters_open"), "{lost}");
        assert!(lost.contains("{group=\"dead_letters\"} 1800000000"), "{lost}");
    }
}
