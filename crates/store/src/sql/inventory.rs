//! The schema as it is, against what the migrations make. A line a column or index, in words that MySQL and MariaDB share.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::{Connection, StoreError};

/// What all migrations together make; a test holds it against them.
const EXPECTED: &str = include_str!("inventory.txt");

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Columns and indexes that are not there, or are not so.
    pub missing: Vec<String>,
    /// What is there instead, or besides.
    pub unexpected: Vec<String>,
}

/// The columns and indexes of this program's tables. Tables of others are left alone.
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

/// What the database lacks of what the migrations make, and what it has besides.
pub async fn drift(conn: &mut Connection) -> Result<Drift, StoreError> {
    let is = read(conn).await?;
    let wanted: BTreeSet<String> = EXPECTED.lines().map(str::to_owned).collect();
    Ok(Drift {
        missing: wanted.difference(&is).cloned().collect(),
        unexpected: is.difference(&wanted).cloned().collect(),
    })
}

fn table(line: &str) -> &str {
    line.split(['.', ' ']).next().unwrap_or_default()
}

/// MariaDB states widths of whole numbers, which mean nothing, and MySQL does not.
fn same_words(line: &str) -> String {
    line.replace("bigint(20)", "bigint").replace(" int(11)", " int")
}
