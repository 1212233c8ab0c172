//! Business rows recomputed from the notices: the report as text.

use xiebao_store::rebuild::{Kind, Report, Scope};

use crate::screen::plain;
use crate::words::Words;

/// Nothing is wrong, or nothing is left wrong. `check`: nothing was to be repaired.
pub fn is_well(report: &Report, scope: &Scope, check: bool) -> bool {
    let amiss = if check {
        !report.is_clean()
    } else {
        report.is_beyond_mending()
    };
    !amiss && !is_unknown(report, scope)
}

fn is_unknown(report: &Report, scope: &Scope) -> bool {
    matches!(scope, Scope::Proposal(_)) && report.complete && report.nothing_is_known()
}

/// The report as text.
pub fn page(report: &Report, scope: &Scope, check: bool, words: &dyn Words) -> String {
    match scope {
        Scope::Proposal(number) if is_unknown(report, scope) => words.nothing_to_rebuild(number.as_str()),
        Scope::Proposal(_) if report.proposals == 0 && report.pruned > 0 => left_alone(report, words),
        _ => {
            tables(report, words)
                + &left_alone(report, words)
                + &passed_over(report, words)
                + &words.rebuilt(report, check)
        }
    }
}

fn tables(report: &Report, words: &dyn Words) -> String {
    let mut page = String::new();
    for (table, tally) in &report.tables {
        page += &words.table_differs(table, tally.lost, tally.extra, tally.differing);
        for difference in &tally.examples {
            let key: Vec<String> = difference
                .key
                .iter()
                .map(|(name, value)| cell(name, value))
                .collect();
            page += &format!("  {}  {}\n", words.difference(difference.kind), key.join(" "));
            if difference.kind == Kind::Differing {
                for column in &difference.columns {
                    let (is, should_be) = (
                        plain(&column.is.to_string()),
                        plain(&column.should_be.to_string()),
                    );
                    page += &format!("      {}\n", words.column_differs(&column.name, &is, &should_be));
                }
            }
        }
    }
    page
}

/// Pruned proposals, which cannot be compared.
fn left_alone(report: &Report, words: &dyn Words) -> String {
    if report.pruned == 0 {
        return String::new();
    }
    let examples: Vec<String> = report.pruned_examples.iter().map(|name| plain(name)).collect();
    words.pruned_left_alone(report.pruned, &examples)
}

/// Proposals that cannot be repaired.
fn passed_over(report: &Report, words: &dyn Words) -> String {
    let mut page = String::new();
    if report.broken_sequences > 0 {
        let examples: Vec<String> = report
            .broken_sequence_examples
            .iter()
            .map(|name| plain(name))
            .collect();
        page += &words.sequences_broken(report.broken_sequences, &examples);
    }
    if report.unreadable > 0 {
        page += &words.passed_over(report.unreadable);
        for example in &report.unreadable_examples {
            page += &format!("  {}\n", plain(example));
        }
    }
    page
}

fn cell(name: &str, value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{name}={}", plain(&text))
}
