//! What was last seen of tables and queues, as gauges. What could not be seen has no gauge: an old number would look just
//! like a true one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use xiebao_runtime::clock;

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
#[derive(Debug)]
pub struct Samples {
    all: Mutex<BTreeMap<Group, Sample>>,
    /// What was seen longer ago is not told, should nobody look any more.
    good_for: TimeDelta,
}

#[derive(Debug, Default)]
struct Sample {
    /// When it was seen last.
    seen_at: Option<DateTime<Utc>>,
    /// Empty while it can't be seen.
    readings: Vec<Reading>,
    /// The last look has failed.
    lost: bool,
}

impl Sample {
    /// What there is to tell at that time.
    fn told(&self, now: DateTime<Utc>, good_for: TimeDelta) -> &[Reading] {
        let is_good = |seen_at: DateTime<Utc>| now - seen_at <= good_for;
        if self.seen_at.is_some_and(is_good) {
            &self.readings
        } else {
            &[]
        }
    }
}

impl Samples {
    /// None yet. What is seen is told for so long, unless it is seen again or lost.
    pub fn good_for(good_for: TimeDelta) -> Self {
        Self {
            all: Mutex::default(),
            good_for,
        }
    }

    /// It was seen like this at that time.
    pub fn seen(&self, group: Group, at: DateTime<Utc>, readings: Vec<Reading>) {
        let sample = Sample {
            seen_at: Some(at),
            readings,
            lost: false,
        };
        self.all().insert(group, sample);
    }

    /// It can't be seen now; whether that is new.
    pub fn lost(&self, group: Group) -> bool {
        let mut all = self.all();
        let sample = all.entry(group).or_default();
        sample.readings.clear();
        !std::mem::replace(&mut sample.lost, true)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Group, Sample>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode_at(&self, now: DateTime<Utc>, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
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
        for reading in all.values().flat_map(|sample| sample.told(now, self.good_for)) {
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

    /// As it is told at a certain time.
    #[derive(Debug)]
    struct At(DateTime<Utc>, Arc<Samples>);

    impl Collector for At {
        fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
            self.1.encode_at(self.0, encoder)
        }
    }

    fn samples() -> Arc<Samples> {
        Arc::new(Samples::good_for(TimeDelta::minutes(1)))
    }

    /// The time of the tests, and so many seconds.
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
    fn what_can_no_longer_be_seen_has_no_gauge_but_the_time_when_it_was_seen_last() {
        let samples = samples();
        let never = text(&samples, after(0));
        assert!(
            never.contains("xiebao_worker_sampled_timestamp_seconds{group=\"dead_letters\"} 0"),
            "{never}"
        );
        samples.seen(Group::DeadLetters, after(0), two_letters());
        let seen = text(&samples, after(1));
        assert!(
            seen.contains("xiebao_worker_dead_letters_open{reason=\"too_long\"} 2"),
            "{seen}"
        );
        assert!(samples.lost(Group::DeadLetters));
        let lost = text(&samples, after(1));
        assert!(!lost.contains("dead_letters_open"), "{lost}");
        assert!(lost.contains("{group=\"dead_letters\"} 1800000000"), "{lost}");
    }

    #[test]
    fn that_a_group_is_lost_is_new_once_even_if_it_was_never_seen() {
        let samples = samples();
        assert!(samples.lost(Group::Held), "never seen");
        assert!(!samples.lost(Group::Held), "told once");
        assert!(samples.lost(Group::Queues), "another");
        samples.seen(Group::Held, after(0), vec![]);
        assert!(
            samples.lost(Group::Held),
            "seen in between, though there was nothing"
        );
    }

    #[test]
    fn what_nobody_has_looked_at_for_long_is_not_told() {
        let samples = samples();
        samples.seen(Group::DeadLetters, after(0), two_letters());
        assert!(text(&samples, after(60)).contains("dead_letters_open"));
        let old = text(&samples, after(61));
        assert!(!old.contains("dead_letters_open"), "{old}");
        assert!(old.contains("{group=\"dead_letters\"} 1800000000"), "{old}");
        samples.seen(Group::DeadLetters, after(70), two_letters());
        assert!(text(&samples, after(71)).contains("dead_letters_open"));
    }
}
