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
fn the_logging_page_lists_every_event_and_no_other() {
    let logging = page("docs/logging.md");
    let sources = product_sources();
    let listed: Vec<String> = logging
        .rows()
        .into_iter()
        .filter(|cells| LEVELS.contains(&cells[0]))
        .map(|cells| message(cells[1]))
        .collect();
    assert!(listed.len() > 50, "{listed:?}");
    let unknown: Vec<&String> = listed.iter().filter(|event| !sources.contains(*event)).collect();
    assert!(unknown.is_empty(), "nobody logs {unknown:#?}");
    let logged = logged(&sources);
    assert!(logged.len() > 50, "{logged:?}");
    let missing: Vec<&String> = logged
        .iter()
        .filter(|event| !listed.iter().any(|listed| event.starts_with(listed)))
        .filter(|event| !logging.text.contains(&format!("`{event}`")))
        .collect();
    assert!(missing.is_empty(), "the page lacks {missing:#?}");
}

const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// The messages of all log lines in the sources.
fn logged(sources: &str) -> Vec<String> {
    let calls = LEVELS.map(|level| format!("tracing::{level}!("));
    let arguments = calls.iter().flat_map(|call| sources.split(call.as_str()).skip(1));
    arguments.filter_map(message_of).collect()
}

/// The last text among the arguments of a call, outside of nested calls.
fn message_of(arguments: &str) -> Option<String> {
    let (mut depth, mut last) = (1, None);
    for (nth, part) in arguments.split('"').enumerate() {
        if nth % 2 == 1 {
            if depth == 1 {
                last = Some(part.to_owned());
            }
            continue;
        }
        for character in part.chars() {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return last;
            }
        }
    }
    None
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
