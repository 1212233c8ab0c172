//! The rows that a worker has written, and the tables that they are in.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};

use super::proposals::{Gathering, Proposal, Table, tuple};
use super::statements::quoted;
use crate::Failure;

/// The column that names the proposal, and the table whose rows are counted.
const INSURE_NUM: &str = "insure_num";
pub const NOTICES: &str = "notices";

/// What is written to the scratch database.
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

    /// Whole proposals, in the order of their numbers, until they have `notices` notices.
    pub async fn read(from: &mut Conn, notices: u32) -> Result<Self, Failure> {
        let tables = tables(from).await?;
        if !tables.iter().any(|table| table.name == NOTICES) {
            return Err(Failure::Usage(format!("--from has no table {NOTICES}")));
        }
        let last = last_proposal(from, notices).await?;
        let escapes = has_no_backslash_escapes(from).await?;
        let mut gathering = Gathering::new(tables.len());
        for (number, table) in tables.iter().enumerate() {
            read_table(from, number, table, last.as_ref(), escapes, &mut gathering).await?;
        }
        let source = Self {
            tables,
            proposals: gathering.into_proposals(),
        };
        match source.notices() {
            0 => Err(Failure::Usage("--from has no notices".to_owned())),
            _ => Ok(source),
        }
    }
}

/// Those whose primary key begins with the proposal: the business tables, and what the worker keeps beside them for
/// each proposal. Dead letters and the operators' log are none of them.
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

/// The proposal with the last of so many notices; `None` if there are not so many.
async fn last_proposal(from: &mut Conn, notices: u32) -> Result<Option<Value>, Failure> {
    let query = format!("SELECT {INSURE_NUM} FROM {NOTICES} ORDER BY {INSURE_NUM} LIMIT 1 OFFSET ?");
    Ok(from.exec_first(query, (notices - 1,)).await?)
}

/// How text is quoted: the session that writes has the same mode.
async fn has_no_backslash_escapes(from: &mut Conn) -> Result<bool, Failure> {
    let mode: Option<String> = from.query_first("SELECT @@sql_mode").await?;
    Ok(mode.is_some_and(|mode| mode.contains("NO_BACKSLASH_ESCAPES")))
}

/// By the binary protocol, so that times and numbers come as values and not as somebody's spelling of them.
async fn read_table(
    from: &mut Conn,
    number: usize,
    table: &Table,
    last: Option<&Value>,
    escapes: bool,
    gathering: &mut Gathering,
) -> Result<(), Failure> {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
    let place = table.columns.iter().position(|name| name == INSURE_NUM);
    let place = place.ok_or_else(|| Failure::Usage(format!("{} has no {INSURE_NUM}", table.name)))?;
    let select = format!("SELECT {} FROM {}", columns.join(","), quoted(&table.name));
    let mut rows = match last {
        Some(last) => {
            let bounded = format!("{select} WHERE {INSURE_NUM} <= ?");
            from.exec_iter(bounded, (last,)).await?
        }
        None => from.exec_iter(select, ()).await?,
    };
    while let Some(row) = rows.next().await? {
        let values = Row::unwrap(row);
        let Value::Bytes(insure_num) = &values[place] else {
            return Err(Failure::Usage(format!("{}.{INSURE_NUM} is no text", table.name)));
        };
        gathering.add(
            number,
            table.name == NOTICES,
            insure_num,
            &tuple(&values, escapes),
        );
    }
    Ok(())
}
