//! The database to write to. Tables of other origin are never touched.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};

use super::proposals::Table;
use super::source::NOTICES;
use super::statements::quoted;
use crate::Failure;

/// The comment of every table that this program creates; only tables with it may be dropped.
const MARK: &str = "made by raw-database, dropped by it at any time";

const UNKNOWN_DATABASE: u16 = 1049;

/// The identity of a database, as its server reports it; one database can have many addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DatabaseIdentity {
    host: String,
    port: u16,
    data: String,
    database: String,
}

pub struct Scratch {
    /// Creates and empties the tables.
    conn: Conn,
    opts: Opts,
    tables: Vec<Table>,
    /// The database did not exist before.
    is_own: bool,
}

impl Scratch {
    /// Prepares the database. Refuses it if it is the source, or holds tables of other origin.
    pub async fn claim(from: &mut Conn, into: &str, tables: Vec<Table>) -> Result<Self, Failure> {
        let opts = Opts::from_url(into).map_err(mysql_async::Error::from)?;
        if opts.db_name().is_none_or(str::is_empty) {
            return Err(Failure::Usage("--into names no database".to_owned()));
        }
        let (conn, is_own) = open(&opts).await?;
        let mut scratch = Self {
            conn,
            opts,
            tables,
            is_own,
        };
        match scratch.prepare(from).await {
            Ok(()) => Ok(scratch),
            Err(failure) => {
                // The first of two failures says more.
                let _ = scratch.drop_own_database().await;
                Err(failure)
            }
        }
    }

    async fn prepare(&mut self, from: &mut Conn) -> Result<(), Failure> {
        if identity(from).await? == identity(&mut self.conn).await? {
            return Err(Failure::Usage(
                "--from and --into are the same database".to_owned(),
            ));
        }
        lock(&mut self.conn).await?;
        let old = own_tables(&tables_and_comments(&mut self.conn).await?)?;
        self.drop_tables(&old).await?;
        self.create_tables().await
    }

    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    pub async fn connect(&self) -> Result<Conn, Failure> {
        Ok(Conn::new(self.opts.clone()).await?)
    }

    pub async fn empty(&mut self) -> Result<(), Failure> {
        for table in &self.tables {
            self.conn
                .query_drop(format!("TRUNCATE TABLE {}", quoted(&table.name)))
                .await?;
        }
        Ok(())
    }

    pub async fn notices(&mut self) -> Result<usize, Failure> {
        let count = self
            .conn
            .query_first(format!("SELECT COUNT(*) FROM {NOTICES}"))
            .await?;
        Ok(count.unwrap_or_default())
    }

    /// Restores the database to its state before.
    pub async fn clear(mut self) -> Result<(), Failure> {
        let names: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        self.drop_tables(&names).await?;
        self.drop_own_database().await?;
        self.conn.disconnect().await?;
        Ok(())
    }

    /// Drops the database if it did not exist before.
    async fn drop_own_database(&mut self) -> Result<(), Failure> {
        if let Some(name) = self.opts.db_name().filter(|_| self.is_own) {
            let drop_database = format!("DROP DATABASE {}", quoted(name));
            self.conn.query_drop(drop_database).await?;
        }
        Ok(())
    }

    async fn drop_tables(&mut self, names: &[String]) -> Result<(), Failure> {
        for name in names {
            let drop_table = format!("DROP TABLE IF EXISTS {}", quoted(name));
            self.conn.query_drop(drop_table).await?;
        }
        Ok(())
    }

    /// Creates the tables like those of the source, with all indexes.
    async fn create_tables(&mut self) -> Result<(), Failure> {
        for table in &self.tables {
            self.conn.query_drop(marked(&table.ddl)).await?;
        }
        Ok(())
    }
}

/// The last of repeated options counts.
fn marked(ddl: &str) -> String {
    format!("{ddl} COMMENT='{MARK}'")
}

/// Connects. Returns `true` if the database had to be created.
async fn open(opts: &Opts) -> Result<(Conn, bool), Failure> {
    match Conn::new(opts.clone()).await {
        Ok(conn) => Ok((conn, false)),
        Err(mysql_async::Error::Server(error)) if error.code == UNKNOWN_DATABASE => {
            let nowhere = OptsBuilder::from_opts(opts.clone()).db_name(None::<String>);
            let mut conn = Conn::new(nowhere).await?;
            let name = quoted(opts.db_name().unwrap_or_default());
            conn.query_drop(format!("CREATE DATABASE {name}")).await?;
            conn.query_drop(format!("USE {name}")).await?;
            Ok((conn, true))
        }
        Err(error) => Err(unreachable(error)),
    }
}

/// A failure to connect, for any reason.
pub fn unreachable(error: mysql_async::Error) -> Failure {
    Failure::Unreachable(format!("no connection to the database: {error}"))
}

/// Prevents two runs from dropping each other's tables. The connection holds the lock.
async fn lock(conn: &mut Conn) -> Result<(), Failure> {
    let query = "SELECT GET_LOCK(LEFT(CONCAT('raw-database ', DATABASE()), 64), 0)";
    match conn.query_first(query).await? {
        Some(Some(1)) => Ok(()),
        None::<Option<u8>> | Some(_) => Err(Failure::Usage("another run is writing to --into".to_owned())),
    }
}

async fn identity(conn: &mut Conn) -> Result<DatabaseIdentity, Failure> {
    let row: Option<(String, u16, String, Option<String>)> = conn
        .query_first("SELECT @@hostname, @@port, @@datadir, DATABASE()")
        .await?;
    let (host, port, data, database) = row.unwrap_or_default();
    let database = database.unwrap_or_default();
    Ok(DatabaseIdentity {
        host,
        port,
        data,
        database,
    })
}

/// The names of all tables and views, with their comments.
async fn tables_and_comments(conn: &mut Conn) -> Result<Vec<(String, String)>, Failure> {
    let query =
        "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()";
    Ok(conn.query(query).await?)
}

/// The names of the tables that an earlier run has left, if there are no others.
fn own_tables(found: &[(String, String)]) -> Result<Vec<String>, Failure> {
    match found.iter().find(|(_, comment)| comment != MARK) {
        Some((name, _)) => Err(Failure::Usage(format!(
            "--into is not empty: it has {name}, which this program has not created"
        ))),
        None => Ok(found.iter().map(|(name, _)| name.clone()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, comment: &str) -> (String, String) {
        (name.to_owned(), comment.to_owned())
    }

    #[test]
    fn a_database_with_a_table_of_other_origin_is_refused() {
        let found = [table("notices", MARK), table("payroll", "")];
        let refused = own_tables(&found).expect_err("not ours");
        assert!(
            matches!(&refused, Failure::Usage(text) if text.contains("payroll")),
            "{refused}"
        );
        let inbox = [table("notices", "the inbox: every authentic notice once")];
        assert!(own_tables(&inbox).is_err());
    }

    #[test]
    fn tables_of_an_earlier_run_may_be_dropped() {
        let found = [table("notices", MARK), table("proposals", MARK)];
        assert_eq!(own_tables(&found).expect("ours"), ["notices", "proposals"]);
        assert!(own_tables(&[]).expect("empty").is_empty());
    }

    #[test]
    fn the_mark_is_the_last_comment_of_a_table() {
        let ddl = "CREATE TABLE `t` (`k` int) ENGINE=InnoDB COMMENT='of the worker'";
        assert!(marked(ddl).ends_with(&format!("COMMENT='of the worker' COMMENT='{MARK}'")));
    }
}
