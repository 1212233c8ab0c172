//! The result of a comparison.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::StoreError;

/// Maximum number of differences of a table reported one by one.
const EXAMPLES: usize = 20;

/// The kind of difference between a row and the notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The notices imply the row and the table lacks it.
    Lost,
    /// The table has the row and no notice implies it.
    Extra,
    /// Some of its columns have other values.
    Differing,
}

/// A column with another value than it should have.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Name of the column.
    pub name: String,
    /// Its value in the table.
    pub is: Value,
    /// The value that the notices imply.
    pub should_be: Value,
}

/// One row that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Lost, extra or differing.
    pub kind: Kind,
    /// The columns of its key, `insure_num` among them.
    pub key: Map<String, Value>,
    /// The differing columns of a differing row.
    pub columns: Vec<Column>,
}

/// The differences of one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    /// Rows that the table lacks.
    pub lost: u64,
    /// Rows that no notice implies.
    pub extra: u64,
    /// Rows with other values.
    pub differing: u64,
    /// The first ones.
    pub examples: Vec<Difference>,
}

/// The numbers of compared and of differing proposals and rows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Proposals that were compared.
    pub proposals: u64,
    /// The differences by table.
    pub tables: BTreeMap<&'static str, Tally>,
    /// Proposals whose applied notices are not numbered 1, 2, 3…; a repair cannot change that.
    pub broken_sequences: u64,
    /// The first ones.
    pub broken_sequence_examples: Vec<String>,
    /// Proposals skipped because one of their rows cannot be read or the database refuses their repair.
    pub unreadable: u64,
    /// The first errors: the table, the key and the error.
    pub unreadable_examples: Vec<String>,
    /// Proposals left alone because the bodies of their notices were pruned, so their rows cannot be computed.
    pub pruned: u64,
    /// The first ones.
    pub pruned_examples: Vec<String>,
    /// True if everything asked for was compared.
    pub complete: bool,
    /// Number of notices and derived rows that exist or should exist.
    #[serde(skip)]
    pub(super) known: u64,
}

impl Report {
    /// Rows of the derived tables that differ.
    pub fn differences(&self) -> u64 {
        let tallies = self.tables.values();
        tallies
            .map(|tally| tally.lost + tally.extra + tally.differing)
            .sum()
    }

    /// True if nothing differs and nothing was skipped.
    pub fn is_clean(&self) -> bool {
        self.differences() == 0 && !self.is_beyond_mending()
    }

    /// True if there are faults that a repair leaves.
    pub fn is_beyond_mending(&self) -> bool {
        self.broken_sequences > 0 || self.unreadable > 0
    }

    /// True if there is neither a notice nor a row.
    pub fn nothing_is_known(&self) -> bool {
        self.known == 0 && self.unreadable == 0 && self.pruned == 0
    }

    /// The numbers for the log of operations.
    pub(super) fn summary(&self) -> String {
        let told = self.tables.iter().map(|(table, tally)| {
            let (lost, extra, differing) = (tally.lost, tally.extra, tally.differing);
            format!("{table}: {lost} lost, {extra} extra, {differing} differing")
        });
        let told: Vec<String> = told.collect();
        format!("{} proposals; {}", self.proposals, told.join("; "))
    }

    pub(super) fn note_unreadable(&mut self, error: &StoreError) {
        self.proposals += 1;
        self.unreadable += 1;
        if self.unreadable_examples.len() < EXAMPLES {
            self.unreadable_examples.push(error.to_string());
        }
    }

    pub(super) fn note_pruned(&mut self, proposals: impl IntoIterator<Item = String>) {
        for name in proposals {
            self.pruned += 1;
            if self.pruned_examples.len() < EXAMPLES {
                self.pruned_examples.push(name);
            }
        }
    }

    pub(super) fn note(&mut self, table: &'static str, difference: Difference) {
        let tally = self.tables.entry(table).or_default();
        match difference.kind {
            Kind::Lost => tally.lost += 1,
            Kind::Extra => tally.extra += 1,
            Kind::Differing => tally.differing += 1,
        }
        if tally.examples.len() < EXAMPLES {
            tally.examples.push(difference);
        }
    }

    pub(super) fn note_sequence(&mut self, insure_num: &str, sorted: &[i64]) {
        if sorted.iter().copied().eq(1..=sorted.len() as i64) {
            return;
        }
        self.broken_sequences += 1;
        if self.broken_sequence_examples.len() < EXAMPLES {
            self.broken_sequence_examples.push(insure_num.to_owned());
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.proposals += other.proposals;
        self.known += other.known;
        for (table, told) in other.tables {
            let tally = self.tables.entry(table).or_default();
            tally.lost += told.lost;
            tally.extra += told.extra;
            tally.differing += told.differing;
            let room = EXAMPLES.saturating_sub(tally.examples.len());
            tally.examples.extend(told.examples.into_iter().take(room));
        }
        let room = EXAMPLES.saturating_sub(self.pruned_examples.len());
        self.pruned += other.pruned;
        self.pruned_examples
            .extend(other.pruned_examples.into_iter().take(room));
        self.broken_sequences += other.broken_sequences;
        let room = EXAMPLES.saturating_sub(self.broken_sequence_examples.len());
        let examples = other.broken_sequence_examples.into_iter();
        self.broken_sequence_examples.extend(examples.take(room));
    }
}
