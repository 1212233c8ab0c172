//! The tables of a report.

use super::ratios::{self, Ratio};
use super::table::{Table, UNKNOWN, grouped, number};
use super::{CONNECTIONS, RATES, Results};

/// Rates that no other table shows.
const PLAIN_RATES: [(&str, &str); 15] = [
    ("raw broker", "raw_broker_rate"),
    ("raw broker, 64 in flight", "raw_broker_rate_64_in_flight"),
    ("raw HTTP, 64 connections", "raw_http_rate_64"),
    ("raw HTTP, 256 connections", "raw_http_rate_256"),
    (
        "raw broker and raw HTTP on the same cores, 64",
        "receiver_possible_64",
    ),
    (
        "raw broker and raw HTTP on the same cores, 256",
        "receiver_possible_256",
    ),
    ("raw database", "raw_database_rate"),
    ("worker, in order", "worker_rate_in_order"),
    ("worker, shuffled", "worker_rate_shuffled"),
    ("worker, 30 % duplicates", "worker_rate_duplicates"),
    ("three workers, in order", "worker_rate_3_workers"),
    ("the whole, sustained", "whole_rate"),
    ("draining, nothing stored", "drain_rate_0"),
    ("draining, 1 million stored", "drain_rate_1m"),
    ("draining, 5 million stored", "drain_rate_5m"),
];

const OTHERS: [(&str, &str, &str); 12] = [
    ("raw confirm at 2,000/s, p99", "raw_broker_p99_ms_2000", "ms"),
    ("lag at half the whole's rate, p50", "whole_lag_p50_ms_half", "ms"),
    ("lag at half the whole's rate, p99", "whole_lag_p99_ms_half", "ms"),
    (
        "lag at half the whole's rate, p99.9",
        "whole_lag_p999_ms_half",
        "ms",
    ),
    ("receiver, most memory", "receiver_rss_mb", "MB"),
    ("receiver, memory at minute 2", "receiver_rss_mb_minute_2", "MB"),
    ("receiver, memory at minute 10", "receiver_rss_mb_minute_10", "MB"),
    ("worker, most memory", "worker_rss_mb", "MB"),
    ("worker, memory at minute 2", "worker_rss_mb_minute_2", "MB"),
    ("worker, memory at minute 10", "worker_rss_mb_minute_10", "MB"),
    ("receiver, from exec to ready", "receiver_start_ms", "ms"),
    ("worker, from exec to ready", "worker_start_ms", "ms"),
];

/// All tables with their titles, the ratios first.
pub fn all(results: &Results) -> Vec<(&'static str, Table)> {
    let tables = [
        ("Ratios", ratio_table(results)),
        ("Rates", rate_table(results)),
        ("Receiver, closed loop", closed_table(results)),
        ("Receiver, fixed rates", fixed_table(results)),
        ("Others", other_table(results)),
    ];
    tables
        .into_iter()
        .filter(|(_, table)| !table.rows.is_empty())
        .collect()
}

fn ratio_table(results: &Results) -> Table {
    let mut table = Table::new(&["ratio", "value", "target", "holds", "figures"]);
    table.rows = ratios::all(results).into_iter().map(ratio_row).collect();
    table
}

fn ratio_row(ratio: Ratio) -> Vec<String> {
    let holds = match ratio.holds() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => UNKNOWN,
    };
    vec![
        ratio.name.to_owned(),
        ratio
            .value
            .map_or_else(|| UNKNOWN.to_owned(), |value| format!("{value:.2}")),
        ratio.target.to_string(),
        holds.to_owned(),
        Some(ratio.figures)
            .filter(|figures| !figures.is_empty())
            .unwrap_or_else(|| UNKNOWN.to_owned()),
    ]
}

fn rate_table(results: &Results) -> Table {
    let mut table = Table::new(&["rate", "per second"]);
    for (name, key) in PLAIN_RATES {
        table.add(vec![name.to_owned(), cell(results.get(key), grouped)]);
    }
    table
}

fn closed_table(results: &Results) -> Table {
    let mut table = Table::new(&[
        "connections",
        "per second",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "CPU ms per 1,000",
    ]);
    for connections in CONNECTIONS {
        let rate = results.get(&format!("receiver_rate_{connections}"));
        let mut row = vec![connections.to_string(), cell(rate, grouped)];
        row.extend(times(results, &format!("{connections}_connections")));
        table.add(row);
    }
    table
}

fn fixed_table(results: &Results) -> Table {
    let mut table = Table::new(&[
        "asked per second",
        "achieved",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "CPU ms per 1,000",
    ]);
    for rate in RATES {
        let achieved = results.get(&format!("receiver_achieved_{rate}"));
        let mut row = vec![grouped(rate.into()), cell(achieved, grouped)];
        row.extend(times(results, &rate.to_string()));
        table.add(row);
    }
    table
}

fn times<'r>(results: &'r Results, at: &'r str) -> impl Iterator<Item = String> + 'r {
    let names = ["p50_ms", "p99_ms", "p999_ms", "cpu_ms_per_1000"];
    names
        .into_iter()
        .map(move |name| cell(results.get(&format!("receiver_{name}_{at}")), number))
}

fn other_table(results: &Results) -> Table {
    let mut table = Table::new(&["figure", "value", "unit"]);
    for (name, key, unit) in OTHERS {
        if let Some(value) = results.get(key) {
            table.add(vec![name.to_owned(), number(value), unit.to_owned()]);
        }
    }
    table
}

fn cell(value: Option<f64>, digits: fn(f64) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), digits)
}
