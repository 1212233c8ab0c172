//! The existing schema compared with the one of the migrations: one line for each column or index, in terms that MySQL
//! and MariaDB share.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::{Connection, StoreError};

/// The schema after all migrations; a test compares it with them.
const EXPECTED: &str = include_str!("inventory.txt");

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The differences between the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Columns and indexes that are missing or different.
    pub missing: Vec<String>,
    /// Columns and indexes that exist instead or in addition.
    pub unexpected: Vec<String>,
}

/// The columns and indexes of this program's tables. Other tables are ignored.
pub async fn read(conn: &mut Connection) -> Result<BTreeSet<String>, StoreError> {
    let columns = "SELECT CONCAT_WS(' ', CONCAT(table_name, '.', column_name), column_type, is_nullable, \
                   collation_name) AS line FROM information_schema.columns WHERE table_schema = DATABASE()";
    let indexes = "SELECT CONCAT_WS(' ', CONCAT(table_name, ' index'), index_name, \
                   GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ','), IF(MIN(non_unique), 'not unique', 'unique')) \
                   AS line FROM information_schema.statistics WHERE table_schema = DATABASE() \
                   GROUP BY table_name, index_name";
    let mut all = BTreeSet::new();
    for query in [columns, indexes] {
        let lines: Vec<Line> = diesel::sql_query(query).load(conn).await?;
        all.extend(lines.into_iter().map(|found| same_words(&found.line)));
    }
    let tables: BTreeSet<&str> = EXPECTED.lines().map(table).collect();
    all.retain(|line| tables.contains(table(line)));
    Ok(all)
}

/// Compares the database with the migrations.
pub async fn drift(conn: &mut Connection) -> Result<Drift, StoreError> {
    let is = read(conn).await?;
    let wanted: BTreeSet<String> = EXPECTED.lines().map(str::to_owned).collect();
    Ok(Drift {
        missing: wanted.difference(&is).cloned().collect(),
        unexpected: is.difference(&wanted).cloned().collect(),
    })
}

/// The columns of a table, with its name, that no migration makes.
pub(crate) async fn unknown_columns(conn: &mut Connection, name: &str) -> Result<Vec<String>, StoreError> {
    let ours: BTreeSet<&str> = EXPECTED.lines().filter_map(column).collect();
    let is = read(conn).await?;
    let columns = is
        .iter()
        .filter(|line| table(line) == name)
        .filter_map(|line| column(line));
    Ok(columns
        .filter(|column| !ours.contains(column))
        .map(str::to_owned)
        .collect())
}

/// `notices.raw`; `None` for the line of an index.
fn column(line: &str) -> Option<&str> {
    let first = line.split(' ').next()?;
    first.contains('.').then_some(first)
}

fn table(line: &str) -> &str {
    line.split(['.', ' ']).next().unwrap_or_default()
}

/// MariaDB states display widths of integers, which have no meaning; MySQL does not state them.
fn same_words(line: &str) -> String {
    line.replace("bigint(20)", "bigint").replace(" int(11)", " int")
}
