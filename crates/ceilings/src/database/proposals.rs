//! The rows to write, as SQL, by proposal.

use std::collections::BTreeMap;

use mysql_async::Value;

/// A table to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// The columns to insert: all except generated ones.
    pub columns: Vec<String>,
    /// The `CREATE TABLE` statement.
    pub ddl: String,
}

/// The rows of one proposal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The number of its rows that are notices.
    pub notices: usize,
    pub rows: usize,
    /// `(…),(…)` for each table, by the table's index; empty if there is no row.
    pub tuples: Vec<String>,
}

/// Collects rows by proposal, in any order of tables.
#[derive(Debug, Default)]
pub struct RowsByProposal {
    proposals: BTreeMap<Vec<u8>, Proposal>,
    tables: usize,
}

impl RowsByProposal {
    pub fn new(tables: usize) -> Self {
        Self {
            proposals: BTreeMap::new(),
            tables,
        }
    }

    /// Adds a row of the proposal `insure_num` to a table, given by its index.
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

    /// Sorted by number, the order that suits the indexes best: this is to be a ceiling.
    pub fn into_proposals(self) -> Vec<Proposal> {
        self.proposals.into_values().collect()
    }
}

/// The values of a row in SQL: `(…)`.
pub fn tuple(values: &[Value], no_backslash_escapes: bool) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| value.as_sql(no_backslash_escapes))
        .collect();
    format!("({})", values.join(","))
}

/// Cuts the proposals into transactions of at least `batch` notices. A proposal is never split.
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
    fn the_rows_of_a_proposal_come_together_from_all_tables() {
        let mut rows = RowsByProposal::new(2);
        rows.add(0, true, b"B", "('B',1)");
        rows.add(0, true, b"A", "('A',1)");
        rows.add(0, true, b"B", "('B',2)");
        rows.add(1, false, b"A", "('A')");
        let proposals = rows.into_proposals();
        let (a, b) = (&proposals[0], &proposals[1]);
        assert_eq!(a.tuples, ["('A',1)", "('A')"]);
        assert_eq!((a.notices, a.rows), (1, 2));
        assert_eq!(b.tuples, ["('B',1),('B',2)", ""]);
        assert_eq!((b.notices, b.rows), (2, 2));
    }

    #[test]
    fn values_are_written_as_sql_that_reads_them_back() {
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
    fn a_transaction_has_the_notices_asked_for_and_no_proposal_is_split() {
        let proposals = of(&[4, 4, 4, 0, 12, 1]);
        let sizes: Vec<Vec<usize>> = batches(&proposals, 8)
            .iter()
            .map(|batch| batch.iter().map(|proposal| proposal.notices).collect())
            .collect();
        assert_eq!(sizes, [vec![4, 4], vec![4, 0, 12], vec![1]]);
        assert!(batches(&[], 8).is_empty());
    }
}
