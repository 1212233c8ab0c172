//! The results: figures, ratios, and their tables.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures::Figures;

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

/// The results of a run. Rates are notices (messages, for the broker) a second; in the keys of the figures `_ms` are
/// milliseconds and `_mb` MiB.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Results {
    pub machine: Machine,
    /// The known figures by key.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
}

/// The machine and the software.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// `quick` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

impl Results {
    pub fn new(machine: Machine, figures: &Figures) -> Self {
        Self {
            machine,
            figures: figures.medians(),
        }
    }

    /// The figure with this key.
    pub fn get(&self, key: &str) -> Option<f64> {
        self.figures.get(key).copied()
    }

    /// A flat object, except for `machine`. Unknown values are left out.
    ///
    /// # Errors
    /// If a value can't be serialised, which no figure causes.
    pub fn to_json(&self) -> anyhow::Result<String> {
        // By way of a value, whose keys are sorted.
        Ok(serde_json::to_string_pretty(&serde_json::to_value(self)?)? + "\n")
    }

    #[cfg(test)]
    fn of(figures: &[(&str, f64)]) -> Self {
        Self {
            figures: figures
                .iter()
                .map(|(key, value)| ((*key).to_owned(), *value))
                .collect(),
            ..Self::default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_flat_and_leaves_out_unknown_values() {
        let mut results = Results::of(&[("raw_broker_rate", 23_000.0), ("receiver_p50_ms_500", 1.5)]);
        results.machine.cores = Some(2);
        let json: serde_json::Value = serde_json::from_str(&results.to_json().expect("JSON")).expect("JSON");
        let expected = serde_json::json!({
            "machine": {"cores": 2}, "raw_broker_rate": 23_000.0, "receiver_p50_ms_500": 1.5,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_ratios_use_the_keys_that_others_rely_on() {
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
        let results = Results::of(&KEYS.map(|key| (key, 1.0)));
        let known = ratios::all(&results)
            .into_iter()
            .filter(|ratio| ratio.value.is_some());
        assert_eq!(known.count(), 12);
        let tables = tables::all(&results);
        let titles: Vec<&str> = tables.iter().map(|(title, _)| *title).collect();
        assert_eq!(titles.len(), 5, "{titles:?}");
    }
}
