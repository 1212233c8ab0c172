//! Results of an imaginary run, for tests.

use super::{Machine, Results};

pub fn results() -> Results {
    let mut results = Results::of(&[
        ("raw_broker_rate", 24_020.0),
        ("raw_broker_p99_ms_2000", 2.1),
        ("raw_database_rate", 14_800.0),
        ("receiver_rate_8", 7_200.0),
        ("receiver_rate_64", 17_012.0),
        ("receiver_rate_256", 22_431.0),
        ("receiver_p99_ms_2000", 3.4),
        ("receiver_rss_mb", 31.2),
        ("worker_rate_in_order", 6_530.0),
        ("worker_rate_shuffled", 3_610.0),
        ("worker_rate_duplicates", 6_720.0),
        ("worker_rate_3_workers", 7_010.0),
        ("worker_rss_mb", 41.9),
        ("deadlock_retries_per_1000", 0.2),
        ("whole_rate", 5_120.0),
        ("whole_lag_p99_ms_half", 1_612.0),
        ("drain_rate_0", 6_600.0),
        ("receiver_start_ms", 64.0),
        ("receiver_p99_ms_256_connections", 21.3),
    ]);
    results.machine = Machine {
        run: Some("quick".to_owned()),
        date: Some("2000-01-01".to_owned()),
        commit: Some("0123abc".to_owned()),
        cores: Some(2),
        memory_mb: Some(24_576),
        processor: None,
        broker: Some("RabbitMQ 3.10.8".to_owned()),
        database: Some("MariaDB 10.11".to_owned()),
    };
    results
}
