//! The rows that a worker has written, and their tables.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};

use super::proposals::{Proposal, RowsByProposal, Table, tuple};
use super::statements::quoted;
use crate::Failure;

/// The column with the proposal's number, and the table whose rows are counted.
const INSURE_NUM: &str = "insure_num";
pub const NOTICES: &str = "notices";

/// The rows and tables to copy to the scratch database.
pub struct Source {
    pub tables: Vec<Table>,
    pub proposals: Vec<Proposal>,
}

impl Source {
    pub fn notices(&self) -> usize {
        self.proposals.iter().map(|proposal| proposal.notices).sum()
    }

    pub fn rows_per_notice(&self) -> f64 {
        let rows: usize = self.proposals.iter().map(|proposal| proposal.rows).sum();
        rows as f64 / self.notices().max(1) as f64
    }

    /// Reads whole proposals, in the order of their numbers, until they have `notices` notices.
    pub async fn read(from: &mut Conn, notices: u32) -> Result<Self, Failure> {
        let tables = tables(from).await?;
        if !tables.iter().any(|table| table.name == NOTICES) {
            return Err(Failure::Usage(format!("--from has no table {NOTICES}")));
        }
        let last = last_proposal(from, notices).await?;
        let escapes = has_no_backslash_escapes(from).await?;
        let mut rows = RowsByProposal::new(tables.len());
        for (number, table) in tables.iter().enumerate() {
            read_table(from, number, table, last.as_ref(), escapes, &mut rows).await?;
        }
        let source = Self {
            tables,
            proposals: rows.into_proposals(),
        };
        match source.notices() {
            0 => Err(Failure::Usage("--from has no notices".to_owned())),
            _ => Ok(source),
        }
    }
}

/// The tables whose primary key begins with the proposal: the business tables, and the tables that the worker keeps
/// for each proposal. Dead letters and the operators' log are not among them.
async fn tables(from: &mut Conn) -> Result<Vec<Table>, Failure> {
    let names: Vec<String> = from
        .exec(
            "SELECT table_name FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND index_name = 'PRIMARY' AND seq_in_index = 1 AND column_name = ? \
             ORDER BY table_name",
            (INSURE_NUM,),
        )
        .await?;
    let mut tables = Vec::new();
    for name in names {
        let columns = from
            .exec(
                "SELECT column_name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ? AND COALESCE(generation_expression, '') = '' \
                 ORDER BY ordinal_position",
                (&name,),
            )
            .await?;
        let shown: Option<(String, String)> = from
            .query_first(format!("SHOW CREATE TABLE {}", quoted(&name)))
            .await?;
        let ddl = shown.map(|(_, ddl)| ddl).unwrap_or_default();
        tables.push(Table { name, columns, ddl });
    }
    Ok(tables)
}

/// The proposal that holds the `notices`th notice; `None` if there are fewer.
async fn last_proposal(from: &mut Conn, notices: u32) -> Result<Option<Value>, Failure> {
    let query = format!("SELECT {INSURE_NUM} FROM {NOTICES} ORDER BY {INSURE_NUM} LIMIT 1 OFFSET ?");
    Ok(from.exec_first(query, (notices - 1,)).await?)
}

/// The way to quote text. The writing session has the same mode.
async fn has_no_backslash_escapes(from: &mut Conn) -> Result<bool, Failure> {
    let mode: Option<String> = from.query_first("SELECT @@sql_mode").await?;
    Ok(mode.is_some_and(|mode| mode.contains("NO_BACKSLASH_ESCAPES")))
}

/// Uses the binary protocol, so that times and numbers arrive as values, not as formatted text.
async fn read_table(
    from: &mut Conn,
    number: usize,
    table: &Table,
    last: Option<&Value>,
    escapes: bool,
    rows: &mut RowsByProposal,
) -> Result<(), Failure> {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
    let position = table.columns.iter().position(|name| name == INSURE_NUM);
    let position = position.ok_or_else(|| Failure::Usage(format!("{} has no {INSURE_NUM}", table.name)))?;
    let select = format!("SELECT {} FROM {}", columns.join(","), quoted(&table.name));
    let mut cursor = match last {
        Some(last) => {
            let bounded = format!("{select} WHERE {INSURE_NUM} <= ?");
            from.exec_iter(bounded, (last,)).await?
        }
        None => from.exec_iter(select, ()).await?,
    };
    while let Some(row) = cursor.next().await? {
        let values = Row::unwrap(row);
        let Value::Bytes(insure_num) = &values[position] else {
            return Err(Failure::Usage(format!("{}.{INSURE_NUM} is no text", table.name)));
        };
        rows.add(
            number,
            table.name == NOTICES,
            insure_num,
            &tuple(&values, escapes),
        );
    }
    Ok(())
}
