//! Guesses which key a misspelt one was meant to be.

use std::collections::BTreeSet;

/// The known key with the fewest edits between, if they are few.
pub(super) fn nearest<'k>(key: &str, known: &'k BTreeSet<String>) -> Option<&'k str> {
    let near = known
        .iter()
        .map(|candidate| (distance(key, candidate), candidate))
        .min()?;
    (near.0 <= 3.min(key.len() / 3)).then_some(near.1.as_str())
}

/// Levenshtein's distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
