//! Claims of the pages that the sources decide.

use std::collections::BTreeSet;

use crate::markdown::{files_below, page, read, root};

#[test]
fn the_last_quiet_moment_counts_every_queue_that_carries_notices() {
    let queues = queues();
    assert!(
        queues.contains("xiebao.notices") && queues.contains("xiebao.refused"),
        "{queues:?}"
    );
    let carrying = queues.len() - 1;
    let backup = page("docs/backup.md").text;
    let query = r#"count(max by (queue) (xiebao_worker_queue_messages_ready{queue!="xiebao.refused"})) == "#;
    let number = backup.split(query).nth(1).and_then(|rest| rest.lines().next());
    assert_eq!(number, Some(carrying.to_string().as_str()));
    assert!(backup.contains(&format!("all {} queues", word(carrying))));
    assert!(
        page("docs/scaling.md")
            .text
            .contains(&format!("all {} queues", word(queues.len())))
    );
}

#[test]
fn the_protocol_page_names_every_queue() {
    let protocol = page("docs/protocol.md").text;
    for queue in queues() {
        // The page joins the three queues of retries: `xiebao.retry.1s`, `.5s`, `.25s`.
        let short = queue.trim_start_matches("xiebao.retry");
        assert!(
            protocol.contains(&format!("`{queue}`")) || protocol.contains(&format!("`{short}`")),
            "{queue}"
        );
    }
}

#[test]
fn every_event_of_the_logging_page_is_logged_somewhere() {
    let logging = page("docs/logging.md");
    let sources = product_sources();
    let levels = ["error", "warn", "info", "debug"];
    let events: Vec<String> = logging
        .rows()
        .into_iter()
        .filter(|cells| levels.contains(&cells[0]))
        .map(|cells| message(cells[1]))
        .collect();
    assert!(events.len() > 50, "{events:?}");
    let unknown: Vec<&String> = events.iter().filter(|event| !sources.contains(*event)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn a_migration_is_one_statement_except_the_first_two() {
    let mut ups = files_below(&root().join("crates"), "up.sql");
    ups.sort();
    assert!(ups.len() > 2, "{ups:?}");
    for up in &ups[2..] {
        let text = read(up);
        let ends = text
            .lines()
            .filter(|line| !line.starts_with("--") && line.trim_end().ends_with(';'));
        assert_eq!(ends.count(), 1, "{}", up.display());
    }
}

/// The names of queues in the one place that declares them.
fn queues() -> BTreeSet<String> {
    let mut files = files_below(&root().join("crates"), "/topology.rs");
    files.retain(|file| !file.components().any(|part| part.as_os_str() == "tests"));
    let [file] = files.as_slice() else {
        panic!("one topology.rs is expected: {files:?}")
    };
    let text = read(file);
    let quoted = text.split('"').skip(1).step_by(2);
    quoted
        .filter(|text| text.starts_with("xiebao."))
        .map(str::to_owned)
        .collect()
}

/// The sources of services and shared crates, with each string literal in one line.
fn product_sources() -> String {
    let crates = ["receiver", "worker", "runtime", "amqp", "store"];
    let folders = crates.map(|name| root().join("crates").join(name).join("src"));
    let mut sources = String::new();
    for file in folders
        .iter()
        .filter(|folder| folder.exists())
        .flat_map(|folder| files_below(folder, ".rs"))
    {
        let text = read(&file);
        let mut parts = text.split("\\\n");
        sources.push_str(parts.next().unwrap_or_default());
        parts.for_each(|part| sources.push_str(part.trim_start()));
    }
    sources
}

/// The fixed beginning of a message that a cell shows as code.
fn message(cell: &str) -> String {
    let text = cell.trim_matches('`').trim();
    let fixed = text.split('…').next().unwrap_or_default();
    fixed.trim().to_owned()
}

fn word(number: usize) -> &'static str {
    [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ][number]
}
