//! The last sample of tables and queues, as gauges. A failed sample removes its gauges, because an old number would look
//! like a current one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use xiebao_runtime::clock;

/// Gauges that are sampled together, all or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Held notices.
    Held,
    /// Open dead letters.
    DeadLetters,
    /// The broker's queues.
    Queues,
    /// Proposals that were paid and not issued in time.
    Stuck,
    /// Cancelled persons who are in no policy.
    Unmatched,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] = [
        Self::Held,
        Self::DeadLetters,
        Self::Queues,
        Self::Stuck,
        Self::Unmatched,
    ];

    /// The value of the label `group`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::DeadLetters => "dead_letters",
            Self::Queues => "queues",
            Self::Stuck => "stuck",
            Self::Unmatched => "unmatched",
        }
    }
}

/// A gauge with its series.
#[derive(Debug)]
pub struct Reading {
    /// Without the prefix of the service and without the unit.
    pub name: &'static str,
    /// The text of `# HELP`.
    pub help: &'static str,
    /// Becomes the suffix of the name.
    pub unit: Option<Unit>,
    /// The values.
    pub series: Series,
}

/// The values of a gauge.
#[derive(Debug)]
pub enum Series {
    /// A single value without labels.
    One(f64),
    /// The label's name, and a value for each of its values, which must be few.
    By(&'static str, Vec<(&'static str, f64)>),
}

/// The last sample of each group.
#[derive(Debug)]
pub struct Samples {
    all: Mutex<BTreeMap<Group, Sample>>,
    /// Older samples are not served.
    lifetime: TimeDelta,
}

#[derive(Debug, Default)]
struct Sample {
    /// The time of the last success.
    sampled_at: Option<DateTime<Utc>>,
    /// Empty after a failure.
    readings: Vec<Reading>,
    /// The last attempt failed.
    failed: bool,
}

impl Sample {
    /// The readings that are current at that time.
    fn current(&self, now: DateTime<Utc>, lifetime: TimeDelta) -> &[Reading] {
        let is_current = |sampled_at: DateTime<Utc>| now - sampled_at <= lifetime;
        if self.sampled_at.is_some_and(is_current) {
            &self.readings
        } else {
            &[]
        }
    }
}

impl Samples {
    /// No samples yet. Each is served for `lifetime`, unless it is replaced or fails.
    pub fn with_lifetime(lifetime: TimeDelta) -> Self {
        Self {
            all: Mutex::default(),
            lifetime,
        }
    }

    /// Keeps the readings of a group, taken `at` this time.
    pub fn keep(&self, group: Group, at: DateTime<Utc>, readings: Vec<Reading>) {
        let sample = Sample {
            sampled_at: Some(at),
            readings,
            failed: false,
        };
        self.all().insert(group, sample);
    }

    /// Drops the readings of a group after a failure. Returns `true` for the first failure since a success.
    pub fn fail(&self, group: Group) -> bool {
        let mut all = self.all();
        let sample = all.entry(group).or_default();
        sample.readings.clear();
        !std::mem::replace(&mut sample.failed, true)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Group, Sample>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode_at(&self, now: DateTime<Utc>, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.all();
        let help = "When the tables and queues behind the gauges of the group were last sampled; 0: never";
        let mut timestamp =
            encoder.encode_descriptor("sampled_timestamp", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for group in Group::ALL {
            let sampled_at = all.get(&group).and_then(|sample| sample.sampled_at);
            let seconds = sampled_at.map_or(0.0, |at| at.timestamp_millis() as f64 / 1_000.0);
            timestamp
                .encode_family(&[("group", group.name())])?
                .encode_gauge(&seconds)?;
        }
        for reading in all.values().flat_map(|sample| sample.current(now, self.lifetime)) {
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

impl Collector for Samples {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        self.encode_at(clock::now(), encoder)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    /// The samples as encoded at a fixed time.
    #[derive(Debug)]
    struct At(DateTime<Utc>, Arc<Samples>);

    impl Collector for At {
        fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
            self.1.encode_at(self.0, encoder)
        }
    }

    fn samples() -> Arc<Samples> {
        Arc::new(Samples::with_lifetime(TimeDelta::minutes(1)))
    }

    /// The start of the tests plus these seconds.
    fn after(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn text(samples: &Arc<Samples>, at: DateTime<Utc>) -> String {
        let (mut registry, mut text) = (Registry::with_prefix("xiebao_worker"), String::new());
        registry.register_collector(Box::new(At(at, Arc::clone(samples))));
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
    fn a_failed_group_has_no_gauges_but_the_time_of_its_last_sample() {
        let samples = samples();
        let never = text(&samples, after(0));
        assert!(
            never.contains("xiebao_worker_sampled_timestamp_seconds{group=\"dead_letters\"} 0"),
            "{never}"
        );
        samples.keep(Group::DeadLetters, after(0), two_letters());
        let sampled = text(&samples, after(1));
        assert!(
            sampled.contains("xiebao_worker_dead_letters_open{reason=\"too_long\"} 2"),
            "{sampled}"
        );
        assert!(samples.fail(Group::DeadLetters));
        let failed = text(&samples, after(1));
        assert!(!failed.contains("dead_letters_open"), "{failed}");
        assert!(failed.contains("{group=\"dead_letters\"} 1800000000"), "{failed}");
    }

    #[test]
    fn only_the_first_failure_of_a_group_since_its_last_success_is_new() {
        let samples = samples();
        assert!(samples.fail(Group::Held), "never sampled");
        assert!(!samples.fail(Group::Held), "failed before");
        assert!(samples.fail(Group::Queues), "another group");
        samples.keep(Group::Held, after(0), vec![]);
        assert!(samples.fail(Group::Held), "sampled in between, without readings");
    }

    #[test]
    fn a_sample_older_than_its_lifetime_is_not_served() {
        let samples = samples();
        samples.keep(Group::DeadLetters, after(0), two_letters());
        assert!(text(&samples, after(60)).contains("dead_letters_open"));
        let old = text(&samples, after(61));
        assert!(!old.contains("dead_letters_open"), "{old}");
        assert!(old.contains("{group=\"dead_letters\"} 1800000000"), "{old}");
        samples.keep(Group::DeadLetters, after(70), two_letters());
        assert!(text(&samples, after(71)).contains("dead_letters_open"));
    }
}
