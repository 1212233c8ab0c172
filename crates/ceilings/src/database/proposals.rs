//! What is written: rows as SQL, proposal by proposal.

use std::collections::BTreeMap;

use mysql_async::Value;

/// A table to be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// Those that are stated when a row is written: not the generated ones.
    pub columns: Vec<String>,
    /// What makes it.
    pub ddl: String,
}

/// The rows of one proposal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// How many of its rows are notices.
    pub notices: usize,
    pub rows: usize,
    /// `(…),(…)` for each table by its number; empty where it has no row.
    pub tuples: Vec<String>,
}

/// Rows, gathered by proposal. They may come in any order of tables.
#[derive(Debug, Default)]
pub struct Gathering {
    proposals: BTreeMap<Vec<u8>, Proposal>,
    tables: usize,
}

impl Gathering {
    pub fn new(tables: usize) -> Self {
        Self {
            proposals: BTreeMap::new(),
            tables,
        }
    }

    /// Adds a row of a table (by its number), of the proposal `insure_num`.
    pub fn add(&mut self, table: usize, is_notice: bool, insure_num: &[u8], tuple: &str) {
        let tables = self.tables;
        let proposal = self
            .proposals
            .entry(insure_num.to_vec())
            .or_insert_with(|| Proposal {
                tuples: vec![String::new(); tables],
                ..Proposal::default()
            });
        let tuples = &mut proposal.tuples[table];
        if !tuples.is_empty() {
            tuples.push(',');
        }
        tuples.push_str(tuple);
        proposal.rows += 1;
        proposal.notices += usize::from(is_notice);
    }

    /// By number, as the indexes like it best: this is to be a ceiling.
    pub fn into_proposals(self) -> Vec<Proposal> {
        self.proposals.into_values().collect()
    }
}

/// A row's values as SQL takes them: `(…)`.
pub fn tuple(values: &[Value], no_backslash_escapes: bool) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| value.as_sql(no_backslash_escapes))
        .collect();
    format!("({})", values.join(","))
}

/// Cuts proposals into transactions of `batch` notices or a little more, since a proposal is never cut.
pub fn batches(proposals: &[Proposal], batch: usize) -> Vec<&[Proposal]> {
    let (mut all, mut start, mut notices) = (Vec::new(), 0, 0);
    for (number, proposal) in proposals.iter().enumerate() {
        notices += proposal.notices;
        if notices >= batch {
            all.push(&proposals[start..=number]);
            (start, notices) = (number + 1, 0);
        }
    }
    if start < proposals.len() {
        all.push(&proposals[start..]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_proposal_come_together_whatever_table_they_are_of() {
        let mut gathering = Gathering::new(2);
        gathering.add(0, true, b"B", "('B',1)");
        gathering.add(0, true, b"A", "('A',1)");
        gathering.add(0, true, b"B", "('B',2)");
        gathering.add(1, false, b"A", "('A')");
        let proposals = gathering.into_proposals();
        let (a, b) = (&proposals[0], &proposals[1]);
        assert_eq!(a.tuples, ["('A',1)", "('A')"]);
        assert_eq!((a.notices, a.rows), (1, 2));
        assert_eq!(b.tuples, ["('B',1),('B',2)", ""]);
        assert_eq!((b.notices, b.rows), (2, 2));
    }

    #[test]
    fn values_are_written_so_that_the_same_come_back() {
        let values = [
            Value::NULL,
            Value::Int(-3),
            Value::from("it's\\"),
            Value::Bytes(vec![0xff, 0x00]),
            Value::Date(2026, 3, 1, 12, 0, 0, 5),
            Value::Date(2026, 3, 1, 0, 0, 0, 0),
        ];
        assert_eq!(
            tuple(&values, false),
            r"(NULL,-3,'it\'s\\',0xFF00,'2026-03-01 12:00:00.000005','2026-03-01')"
        );
        assert_eq!(tuple(&values[2..3], true), r"('it''s\')");
    }

    fn of(notices: &[usize]) -> Vec<Proposal> {
        let proposal = |&notices| Proposal {
            notices,
            ..Proposal::default()
        };
        notices.iter().map(proposal).collect()
    }

    #[test]
    fn a_transaction_has_as_many_notices_as_asked_for_and_no_proposal_is_cut() {
        let proposals = of(&[4, 4, 4, 0, 12, 1]);
        let sizes: Vec<Vec<usize>> = batches(&proposals, 8)
            .iter()
            .map(|batch| batch.iter().map(|proposal| proposal.notices).collect())
            .collect();
        assert_eq!(sizes, [vec![4, 4], vec![4, 0, 12], vec![1]]);
        assert!(batches(&[], 8).is_empty());
    }
}
