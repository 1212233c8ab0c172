use super::list::Wanted;
use super::*;

/// Variables of a server with which nothing is wrong.
const GOOD: [(&str, &str); 9] = [
    ("log_bin", "ON"),
    ("binlog_format", "MIXED"),
    ("innodb_flush_log_at_trx_commit", "1"),
    ("sync_binlog", "1"),
    ("innodb_doublewrite", "ON"),
    ("innodb_flush_method", "fsync"),
    ("max_allowed_packet", "16777216"),
    ("read_only", "OFF"),
    ("innodb_default_row_format", "dynamic"),
];

fn found(changed: &[(&str, &str)], largest_body: usize) -> Vec<(&'static str, String)> {
    let all = GOOD.iter().chain(changed);
    let values = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let wrong = wrong(CHECKED.iter(), &values.collect(), largest_body);
    wrong
        .into_iter()
        .map(|setting| (setting.name, setting.wanted))
        .collect()
}

#[test]
fn only_variables_that_endanger_a_promise_are_wrong() {
    assert!(found(&[], 1 << 20).is_empty());
    let cases = [
        ("binlog_format", "STATEMENT", "ROW"),
        ("innodb_flush_log_at_trx_commit", "2", "1"),
        ("sync_binlog", "0", "1"),
        ("innodb_doublewrite", "OFF", "ON"),
        ("innodb_flush_method", "nosync", "O_DIRECT"),
        ("read_only", "ON", "OFF"),
        ("max_allowed_packet", "4194304", "5242880"),
        ("innodb_default_row_format", "compact", "DYNAMIC"),
    ];
    for (name, value, wanted) in cases {
        assert_eq!(found(&[(name, value)], 1 << 20), [(name, wanted.to_owned())]);
    }
}

#[test]
fn variables_of_the_binary_log_do_not_matter_without_it() {
    for (name, value) in [("binlog_format", "STATEMENT"), ("sync_binlog", "0")] {
        let found = found(&[(name, value), ("log_bin", "OFF")], 0);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_statement_must_hold_the_largest_body() {
    assert_eq!(
        found(&[], (15 << 20) + 1),
        [("max_allowed_packet", "16777217".to_owned())]
    );
}

#[test]
fn the_page_for_operators_has_the_list() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for checked in CHECKED {
        let wanted = shown(&checked.wanted);
        let name = match checked.only_with {
            Some(other) => format!("`{}` (with `{other}`)", checked.name),
            None => format!("`{}`", checked.name),
        };
        let row = format!("| {name} | {wanted} | {} |", checked.why);
        assert!(page.contains(&row), "the page lacks: {row}");
    }
    let rows = page
        .lines()
        .skip_while(|line| *line != "| variable | must be | otherwise |");
    assert_eq!(
        rows.skip(2).take_while(|line| line.starts_with('|')).count(),
        CHECKED.len()
    );
    for part in SESSION.split("SESSION ").skip(1) {
        let name = part.split(' ').next().unwrap_or_default();
        assert!(page.contains(&format!("`{name}`")), "the page lacks {name}");
    }
}

fn shown(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Is(values) => format!("`{}`", values[0]),
        Wanted::Not(_, values) => format!("not `{}`", values[0]),
        Wanted::RoomForBodies => "5 MiB, and `receiver.max_body_bytes` + 1 MiB".to_owned(),
    }
}
