//! The table for `docs/performance.md`.

use anyhow::Context as _;

use super::{Results, tables};

const START: &str = "<!-- figures -->";
const END: &str = "<!-- /figures -->";

/// The machine and the ratios. The JSON beside the page has every figure.
pub fn report(results: &Results) -> String {
    let mut text = results.machine.in_words() + "\n";
    if let Some((title, ratios)) = tables::all(results).first() {
        text.push_str(&format!("\n### {title}\n\n{}", ratios.markdown()));
    }
    text
}

/// Replaces the tables between the two marks, and keeps the marks.
///
/// # Errors
/// If the marks are missing or in the wrong order.
pub fn replace_figures(doc: &str, table: &str) -> anyhow::Result<String> {
    let (before, rest) = doc.split_once(START).with_context(|| format!("no {START}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("no {END} behind {START}"))?;
    Ok(format!("{before}{START}\n{}\n{END}{after}", table.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn only_the_text_between_the_marks_is_replaced_and_can_be_again() {
        let doc = "# Title\n<!-- figures -->\nold\n<!-- /figures -->\nend\n";
        let once = replace_figures(doc, "| new |\n").expect("marks");
        assert_eq!(
            once,
            "# Title\n<!-- figures -->\n| new |\n<!-- /figures -->\nend\n"
        );
        assert_eq!(replace_figures(&once, "| new |").expect("marks"), once);
    }

    #[test]
    fn without_its_marks_a_document_is_left_alone() {
        assert!(replace_figures("nothing", "x").is_err());
        assert!(replace_figures("<!-- /figures --> <!-- figures -->", "x").is_err());
    }

    #[test]
    fn the_page_gets_the_ratios_and_no_other_table() {
        let text = report(&samples::results());
        assert!(
            text.contains("| receiver, 256 connections / raw broker | 0.93 | ≥ 0.90 | yes |"),
            "{text}"
        );
        assert!(!text.contains("### Receiver, closed loop"), "{text}");
        assert!(
            text.contains("| draining beside 5 million / empty | - |"),
            "{text}"
        );
    }

    #[test]
    fn the_page_has_the_marks() {
        let page = include_str!("../../../../docs/performance.md");
        assert!(replace_figures(page, "x").is_ok());
    }
}
