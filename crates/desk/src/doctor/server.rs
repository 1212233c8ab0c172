//! The database server: its version, and settings that endanger confirmed data.

use std::collections::BTreeMap;

use crate::finding::concern::Concern;

/// Bytes of the largest statement with bodies of notices, unless a single body is larger: 4 MiB, and the text around them.
const STATEMENT: u64 = 5 << 20;

/// The variables that endanger a promise. `largest`: bytes of the largest body; `pool_size`: connections that a worker takes.
pub fn examine(variables: &BTreeMap<String, String>, largest: usize, pool_size: usize) -> Vec<Concern> {
    let value = |name: &str| variables.get(name).map(|value| value.trim().to_uppercase());
    let is = |name: &str, values: &[&str]| value(name).is_some_and(|value| values.contains(&value.as_str()));
    let mut found = Vec::new();
    let mut wrong = |name: &str, wanted: String| {
        let is = variables.get(name).cloned().unwrap_or_default();
        let name = name.to_owned();
        found.push(Concern::DatabaseSetting { name, is, wanted });
    };
    if !is("innodb_flush_log_at_trx_commit", &["1"]) {
        wrong("innodb_flush_log_at_trx_commit", "1".to_owned());
    }
    if is("log_bin", &["ON", "1"]) && !is("sync_binlog", &["1"]) {
        wrong("sync_binlog", "1".to_owned());
    }
    if is("innodb_doublewrite", &["OFF", "0"]) {
        wrong("innodb_doublewrite", "ON".to_owned());
    }
    for name in ["read_only", "innodb_read_only"] {
        if value(name).is_some_and(|value| !["OFF", "0", "NO_READ_ONLY"].contains(&value.as_str())) {
            wrong(name, "OFF".to_owned());
        }
    }
    let needed = STATEMENT.max(largest as u64 + (1 << 20));
    let packet = value("max_allowed_packet").and_then(|value| value.parse::<u64>().ok());
    if packet.is_some_and(|packet| packet < needed) {
        wrong("max_allowed_packet", needed.to_string());
    }
    let number = |name: &str| value(name).and_then(|value| value.parse::<i64>().ok());
    if let (Some(most), Some(used)) = (number("max_connections"), number("threads_connected")) {
        let free = most - used;
        if free < i64::try_from(pool_size).unwrap_or(i64::MAX) {
            found.push(Concern::ConnectionsScarce {
                free,
                needed: pool_size,
            });
        }
    }
    found
}

/// The server is older than MariaDB 10.6 or MySQL 8. A version of another form passes.
pub fn too_old(version: &str) -> Option<Concern> {
    let maria = version.contains("MariaDB");
    let needed = if maria { (10, 6) } else { (8, 0) };
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let is = (numbers.next()??, numbers.next()??);
    (is < needed).then(|| Concern::DatabaseTooOld {
        version: version.to_owned(),
        needed: format!(
            "{} {}.{}",
            if maria { "MariaDB" } else { "MySQL" },
            needed.0,
            needed.1
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(more: &[(&str, &str)]) -> Vec<String> {
        let good = [
            ("innodb_flush_log_at_trx_commit", "1"),
            ("log_bin", "ON"),
            ("sync_binlog", "1"),
            ("innodb_doublewrite", "ON"),
            ("max_allowed_packet", "16777216"),
            ("read_only", "OFF"),
            ("max_connections", "151"),
            ("threads_connected", "3"),
        ];
        let all = good
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let found = examine(&all.collect(), 1 << 20, 8);
        let name = |concern: Concern| match concern {
            Concern::DatabaseSetting { name, .. } => name,
            other => format!("{other:?}"),
        };
        found.into_iter().map(name).collect()
    }

    #[test]
    fn only_variables_that_endanger_a_promise_are_concerns() {
        assert_eq!(of(&[]), Vec::<String>::new());
        assert_eq!(
            of(&[("innodb_flush_log_at_trx_commit", "2")]),
            ["innodb_flush_log_at_trx_commit"]
        );
        assert_eq!(of(&[("sync_binlog", "0")]), ["sync_binlog"]);
        assert_eq!(
            of(&[("sync_binlog", "0"), ("log_bin", "OFF")]),
            Vec::<String>::new()
        );
        assert_eq!(of(&[("max_allowed_packet", "4194304")]), ["max_allowed_packet"]);
        assert_eq!(of(&[("read_only", "ON")]), ["read_only"]);
        assert_eq!(of(&[("innodb_doublewrite", "OFF")]), ["innodb_doublewrite"]);
        assert_eq!(
            of(&[("threads_connected", "150")]),
            ["ConnectionsScarce { free: 1, needed: 8 }"]
        );
    }

    #[test]
    fn only_servers_that_are_too_old_are_concerns() {
        for old in ["10.5.9-MariaDB-1:10.5.9", "5.7.44-log"] {
            assert!(too_old(old).is_some(), "{old}");
        }
        for new in [
            "10.11.6-MariaDB-0+deb12u1",
            "11.4.2-MariaDB",
            "8.0.36",
            "9.7.0",
            "unheard of",
        ] {
            assert_eq!(too_old(new), None, "{new}");
        }
    }
}
