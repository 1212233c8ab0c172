//! The results: figures, ratios, and their tables.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub mod markdown;
pub mod ratios;
mod table;
mod tables;
pub mod text;

#[cfg(test)]
mod samples;

/// Connections of the receiver's closed loops, as in the keys.
pub const CONNECTIONS: [usize; 3] = [8, 64, 256];
/// Notices a second of the receiver's open loops, as in the keys.
pub const RATES: [u32; 4] = [500, 2_000, 5_000, 10_000];

/// Everything that was measured; `None` if it was not. Each name is a key of the JSON.
///
/// Rates are notices (messages, for the broker) a second, and medians of several windows; `_ms` are milliseconds,
/// `_mb` MiB.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    pub machine: Machine,

    /// Confirmed messages a second, with the best settings.
    pub raw_broker_rate: Option<f64>,
    /// Latency of the confirm, at 2,000 messages a second.
    pub raw_broker_p99_ms_2000: Option<f64>,
    /// Notices a second whose rows are committed, with the best settings.
    pub raw_database_rate: Option<f64>,

    /// Closed loop, by connections.
    pub receiver_rate_8: Option<f64>,
    pub receiver_rate_64: Option<f64>,
    pub receiver_rate_256: Option<f64>,
    /// Latency of the acknowledgement, at 2,000 notices a second.
    pub receiver_p99_ms_2000: Option<f64>,
    /// Peak resident memory.
    pub receiver_rss_mb: Option<f64>,
    pub receiver_rss_mb_minute_2: Option<f64>,
    pub receiver_rss_mb_minute_10: Option<f64>,
    /// From exec to ready.
    pub receiver_start_ms: Option<f64>,

    /// Draining a backlog with one worker, unless the name says otherwise.
    pub worker_rate_in_order: Option<f64>,
    pub worker_rate_shuffled: Option<f64>,
    pub worker_rate_duplicates: Option<f64>,
    pub worker_rate_3_workers: Option<f64>,
    pub worker_rss_mb: Option<f64>,
    pub worker_rss_mb_minute_2: Option<f64>,
    pub worker_rss_mb_minute_10: Option<f64>,
    pub worker_start_ms: Option<f64>,
    /// Transactions repeated because of a deadlock, in a thousand, with three workers.
    pub deadlock_retries_per_1000: Option<f64>,

    /// From the HTTP request to committed rows, sustained.
    pub whole_rate: Option<f64>,
    /// From acknowledgement to commit, at half that rate.
    pub whole_lag_p50_ms_half: Option<f64>,
    pub whole_lag_p99_ms_half: Option<f64>,
    pub whole_lag_p999_ms_half: Option<f64>,

    /// Draining with none, 1 million and 5 million notices stored before.
    pub drain_rate_0: Option<f64>,
    pub drain_rate_1m: Option<f64>,
    pub drain_rate_5m: Option<f64>,

    /// Further figures by key.
    #[serde(flatten)]
    pub further: BTreeMap<String, f64>,
}

/// The machine and the software.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// `quick` or `full`.
    pub run: Option<String>,
    pub date: Option<String>,
    pub commit: Option<String>,
    pub cores: Option<u32>,
    pub memory_mb: Option<u32>,
    pub processor: Option<String>,
    pub broker: Option<String>,
    pub database: Option<String>,
}

impl Results {
    /// Adds a further figure, if it is known.
    pub fn add(&mut self, key: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.further.insert(key.to_owned(), value);
        }
    }

    /// The figure with this key of the JSON.
    pub fn get(&self, key: &str) -> Option<f64> {
        self.as_map().get(key)?.as_f64()
    }

    /// A flat object, except for `machine`. Unknown figures are left out.
    ///
    /// # Errors
    /// If a value can't be serialised, which no figure causes.
    pub fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&self.as_map())? + "\n")
    }

    /// Reads JSON that [`Results::to_json`] has written.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("these are no results of a benchmark")
    }

    fn as_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => known(map),
            _ => Map::new(),
        }
    }
}

impl Machine {
    /// The known values, in one line.
    pub fn in_words(&self) -> String {
        let parts = [
            self.run.as_ref().map(|run| format!("{run} run")),
            self.date.clone(),
            self.commit.as_ref().map(|commit| format!("commit {commit}")),
            self.cores.map(|cores| format!("{cores} cores")),
            self.memory_mb
                .map(|mb| format!("{:.0} GiB", f64::from(mb) / 1024.0)),
            self.processor.clone(),
            self.broker.clone(),
            self.database.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Leaves unknown values out, and rounds to a thousandth.
fn known(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .filter_map(|(key, value)| match value {
            Value::Null => None,
            Value::Object(inner) => Some((key, Value::Object(known(inner)))),
            Value::Number(number) if number.is_f64() => {
                let rounded = (number.as_f64()? * 1_000.0).round() / 1_000.0;
                Some((key, rounded.into()))
            }
            other => Some((key, other)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_flat_leaves_out_unknown_figures_and_can_be_read_again() {
        let mut results = Results {
            raw_broker_rate: Some(23_000.123_456),
            drain_rate_5m: None,
            ..Results::default()
        };
        results.machine.cores = Some(2);
        results.add("receiver_p50_ms_500", Some(1.5));
        results.add("receiver_p50_ms_501", None);
        let json = results.to_json().expect("JSON");
        let value: Value = serde_json::from_str(&json).expect("JSON");
        let wanted = serde_json::json!({
            "machine": {"cores": 2}, "raw_broker_rate": 23_000.123, "receiver_p50_ms_500": 1.5,
        });
        assert_eq!(value, wanted);
        let again = Results::from_json(&json).expect("results");
        assert_eq!(again.get("receiver_p50_ms_500"), Some(1.5));
        assert_eq!(again.to_json().expect("JSON"), json);
    }

    #[test]
    fn the_keys_that_others_rely_on_are_fields() {
        const KEYS: [&str; 18] = [
            "raw_broker_rate",
            "receiver_rate_8",
            "receiver_rate_64",
            "receiver_rate_256",
            "receiver_p99_ms_2000",
            "raw_broker_p99_ms_2000",
            "raw_database_rate",
            "worker_rate_in_order",
            "worker_rate_shuffled",
            "worker_rate_duplicates",
            "worker_rate_3_workers",
            "whole_rate",
            "whole_lag_p99_ms_half",
            "drain_rate_0",
            "drain_rate_1m",
            "drain_rate_5m",
            "receiver_rss_mb",
            "worker_rss_mb",
        ];
        let mut map = Map::new();
        for (number, key) in (1..).zip(KEYS) {
            map.insert(key.to_owned(), f64::from(number).into());
        }
        let results = Results::from_json(&Value::Object(map.clone()).to_string()).expect("results");
        assert_eq!(results.further.len(), 0, "each key is a field");
        for (key, value) in &map {
            assert_eq!(results.get(key), value.as_f64(), "{key}");
        }
    }
}
