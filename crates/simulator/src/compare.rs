//! The rows of the database against the expectation: lost, extra, differing. Pure, over rows already fetched.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rows::{Row, Rows};

mod notices;

pub use notices::{ExpectedNotice, StoredNotice, compare_notices};

/// So many findings are shown in full; all are counted.
pub const SHOWN: usize = 20;

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Must be there and is not.
    Lost,
    /// Is there and must not be.
    Extra,
    /// Is there with another value.
    Differing,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The proposal.
    pub insure_num: String,
    /// The table.
    pub table: &'static str,
    /// The key of the row within its proposal.
    pub key: String,
    /// The column that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<&'static str>,
    /// The expected value or row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The stored value or row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// All that is wrong: rows counted, the first of them in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Rows that are missing.
    pub lost: u64,
    /// Rows that should not exist.
    pub extra: u64,
    /// Rows with a wrong value.
    pub differing: u64,
    /// Notices whose bodies were not compared, as they were pruned.
    pub pruned: u64,
    /// The first differences.
    pub first: Vec<Difference>,
}

impl Differences {
    /// There is no difference.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.extra == 0 && self.differing == 0
    }

    fn absence(&mut self, kind: DifferenceKind, table: &'static str, insure_num: &str, key: String) {
        match kind {
            DifferenceKind::Lost => self.lost += 1,
            DifferenceKind::Extra => self.extra += 1,
            DifferenceKind::Differing => self.differing += 1,
        }
        let insure_num = insure_num.to_owned();
        self.show(Difference {
            kind,
            insure_num,
            table,
            key,
            column: None,
            expected: None,
            found: None,
        });
    }

    /// Does not count the row: a row may differ in several columns.
    fn show(&mut self, finding: Difference) {
        if self.first.len() < SHOWN {
            self.first.push(finding);
        }
    }
}

/// Compares every business table.
pub fn compare_rows(expected: &Rows, found: &Rows, findings: &mut Differences) {
    compare_table(&expected.proposals, &found.proposals, findings);
    compare_table(&expected.payments, &found.payments, findings);
    compare_table(&expected.policies, &found.policies, findings);
    compare_table(&expected.insured_persons, &found.insured_persons, findings);
    compare_table(&expected.cancellations, &found.cancellations, findings);
    compare_table(&expected.endorsements, &found.endorsements, findings);
    compare_table(&expected.abnormalities, &found.abnormalities, findings);
    compare_table(&expected.unmatched_persons, &found.unmatched_persons, findings);
}

/// Rows that one key names; more than one only in a log.
struct Sides<'r, T> {
    expected: Vec<&'r T>,
    found: Vec<&'r T>,
}

impl<T> Default for Sides<'_, T> {
    fn default() -> Self {
        Self {
            expected: Vec::new(),
            found: Vec::new(),
        }
    }
}

fn compare_table<T: Row>(expected: &[T], found: &[T], findings: &mut Differences) {
    let mut groups: BTreeMap<_, Sides<'_, T>> = BTreeMap::new();
    for row in expected {
        groups.entry(identity(row)).or_default().expected.push(row);
    }
    for row in found {
        groups.entry(identity(row)).or_default().found.push(row);
    }
    for ((insure_num, key), Sides { expected, found }) in groups {
        for (expected, found) in expected.iter().zip(&found) {
            compare_columns(*expected, *found, &key, findings);
        }
        for _ in found.len()..expected.len() {
            findings.absence(DifferenceKind::Lost, T::TABLE, insure_num, key.clone());
        }
        for _ in expected.len()..found.len() {
            findings.absence(DifferenceKind::Extra, T::TABLE, insure_num, key.clone());
        }
    }
}

fn identity<T: Row>(row: &T) -> (&str, String) {
    let key: Vec<String> = row
        .key()
        .into_iter()
        .map(|(column, value)| format!("{column}={value}"))
        .collect();
    (row.insure_num(), key.join(" "))
}

fn compare_columns<T: Row>(expected: &T, found: &T, key: &str, findings: &mut Differences) {
    let mut differs = false;
    for ((column, expected_value), (_, found_value)) in expected.rest().into_iter().zip(found.rest()) {
        if expected_value != found_value {
            differs = true;
            findings.show(Difference {
                kind: DifferenceKind::Differing,
                insure_num: expected.insure_num().to_owned(),
                table: T::TABLE,
                key: key.to_owned(),
                column: Some(column),
                expected: Some(expected_value),
                found: Some(found_value),
            });
        }
    }
    findings.differing += u64::from(differs);
}

#[cfg(test)]
mod tests;
