//! Millions of notices in minutes: copies of rows that a worker has written, under other proposal numbers.

use std::time::Instant;

use anyhow::Context as _;
use diesel::sql_types::Text;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use xiebao_testkit::number;

use crate::backlog::Backlog;
use crate::environment::Environment;

/// Proposal numbers begin with a year from 2000 on, those of copies with an earlier one. So they are as long, and new
/// proposals sort behind them, as in production.
const FIRST_YEAR: usize = 1_000;

/// Tables that are not copied: a drained backlog fills none of their rows, or the rows belong to no proposal.
const LEFT_OUT: &str = "'__diesel_schema_migrations','dead_letters','dead_letter_attempts','operations'";

pub struct Copies {
    url: String,
    connection: AsyncMysqlConnection,
    tables: Vec<Table>,
    /// The rows to copy lie between these two proposal numbers.
    first: String,
    last: String,
    notices: usize,
    made: usize,
}

struct Table {
    name: String,
    columns: Vec<String>,
}

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

impl Copies {
    /// Prepares copies of the rows of a drained backlog.
    pub async fn of(environment: &Environment, backlog: &Backlog) -> anyhow::Result<Self> {
        let mut connection = environment.database.connect().await;
        let numbers = || backlog.stories.iter().flat_map(|story| &story.proposals);
        Ok(Self {
            url: environment.database.url(),
            tables: tables(&mut connection).await?,
            connection,
            first: numbers().min().context("no proposal")?.to_string(),
            last: numbers().max().context("no proposal")?.to_string(),
            notices: backlog.stories.iter().map(|story| story.notices.len()).sum(),
            made: 0,
        })
    }

    /// Copies until there are about this number of notices.
    pub async fn fill_up_to(&mut self, notices: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        while (self.made + 1) * self.notices < notices {
            for table in &self.tables {
                let statement = table.copy(self.made, &self.first, &self.last);
                diesel::sql_query(statement)
                    .execute(&mut self.connection)
                    .await
                    .with_context(|| table.name.clone())?;
            }
            self.made += 1;
        }
        self.write_out().await?;
        let stored = number(&self.url, "SELECT COUNT(*) FROM notices").await?;
        println!(
            "    {stored} notices stored, after {:.0} s",
            begun.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// Writes the copies to disk, or the next drain would pay for that.
    async fn write_out(&mut self) -> anyhow::Result<()> {
        let tables: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
        let flush = format!("FLUSH TABLES {} FOR EXPORT", tables.join(", "));
        self.connection.batch_execute(&flush).await?;
        Ok(self.connection.batch_execute("UNLOCK TABLES").await?)
    }
}

impl Table {
    fn copy(&self, which: usize, first: &str, last: &str) -> String {
        let values: Vec<String> = self.columns.iter().map(|column| value(column, which)).collect();
        format!(
            "INSERT INTO {name} ({columns}) SELECT {values} FROM {name} WHERE insure_num BETWEEN '{first}' AND '{last}'",
            name = self.name,
            columns = self.columns.join(", "),
            values = values.join(", "),
        )
    }
}

/// The value of a column in a copy: names are made unique, everything else is the same.
fn value(column: &str, which: usize) -> String {
    match column {
        "insure_num" | "new_insure_num" | "reissued_from" | "reissued_to" => {
            format!("CONCAT('{:04}', SUBSTRING({column}, 5))", FIRST_YEAR + which)
        }
        "digest" => format!("SHA2(CONCAT(digest, '{which}'), 256)"),
        "policy_num" | "partner_unique_key" => format!("CONCAT({column}, '-{which}')"),
        _ => column.to_owned(),
    }
}

async fn tables(connection: &mut AsyncMysqlConnection) -> anyhow::Result<Vec<Table>> {
    let query = format!(
        "SELECT c.TABLE_NAME AS table_name, c.COLUMN_NAME AS column_name FROM information_schema.COLUMNS c \
         JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME \
         WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_NAME NOT IN ({LEFT_OUT}) \
         AND c.EXTRA NOT LIKE '%auto_increment%' AND c.EXTRA NOT LIKE '%GENERATED%' \
         ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION"
    );
    let columns: Vec<Column> = diesel::sql_query(query).load(connection).await?;
    let mut tables: Vec<Table> = Vec::new();
    for column in columns {
        match tables.last_mut() {
            Some(table) if table.name == column.table_name => table.columns.push(column.column_name),
            _ => tables.push(Table {
                name: column.table_name,
                columns: vec![column.column_name],
            }),
        }
    }
    tables.retain(|table| table.columns.iter().any(|column| column == "insure_num"));
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_another_number_of_the_same_length() {
        let table = Table {
            name: "reissue_links".to_owned(),
            columns: ["insure_num", "reissued_from", "partner_id"]
                .map(str::to_owned)
                .to_vec(),
        };
        assert_eq!(
            table.copy(7, "20010101000000", "20010101999999"),
            "INSERT INTO reissue_links (insure_num, reissued_from, partner_id) \
             SELECT CONCAT('1007', SUBSTRING(insure_num, 5)), CONCAT('1007', SUBSTRING(reissued_from, 5)), partner_id \
             FROM reissue_links WHERE insure_num BETWEEN '20010101000000' AND '20010101999999'"
        );
    }
}
