//! The database that is written to. What somebody else has made there is never touched.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};

use super::proposals::Table;
use super::source::NOTICES;
use super::statements::quoted;
use crate::Failure;

/// The comment of every table that is made here: those with it may be dropped, and no others.
const MARK: &str = "made by raw-database, dropped by it at any time";

const UNKNOWN_DATABASE: u16 = 1049;

/// Where a database is, as its server says: the same one can have many addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    data: String,
    database: String,
}

pub struct Scratch {
    /// To make and empty tables with.
    conn: Conn,
    opts: Opts,
    tables: Vec<Table>,
    /// It was not there before.
    is_own: bool,
}

impl Scratch {
    /// Refuses a database that is the source, or holds what this program has not made.
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
                // Of two failures the first says more.
                let _ = scratch.drop_own_database().await;
                Err(failure)
            }
        }
    }

    async fn prepare(&mut self, from: &mut Conn) -> Result<(), Failure> {
        if place(from).await? == place(&mut self.conn).await? {
            return Err(Failure::Usage(
                "--from and --into are the same database".to_owned(),
            ));
        }
        lock(&mut self.conn).await?;
        let old = names_if_own(&found(&mut self.conn).await?)?;
        self.drop_tables(&old).await?;
        self.make_tables().await
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

    /// Leaves the database as it was found.
    pub async fn clear(mut self) -> Result<(), Failure> {
        let names: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        self.drop_tables(&names).await?;
        self.drop_own_database().await?;
        self.conn.disconnect().await?;
        Ok(())
    }

    /// Only if it was not there before.
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

    /// Like those of the source, all indexes included.
    async fn make_tables(&mut self) -> Result<(), Failure> {
        for table in &self.tables {
            self.conn.query_drop(marked(&table.ddl)).await?;
        }
        Ok(())
    }
}

/// Of an option that is stated twice the latter counts.
fn marked(ddl: &str) -> String {
    format!("{ddl} COMMENT='{MARK}'")
}

/// True: it had to be made.
async fn open(opts: &Opts) -> Result<(Conn, bool), Failure> {
    match Conn::new(opts.clone()).await {
        Ok(conn) => Ok((conn, false)),
        Err(mysql_async::Error::Server(complaint)) if complaint.code == UNKNOWN_DATABASE => {
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

/// Whatever the reason, there is no connection.
pub fn unreachable(error: mysql_async::Error) -> Failure {
    Failure::Unreachable(format!("no connection to the database: {error}"))
}

/// Two runs would drop each other's tables. The lock goes with the connection.
async fn lock(conn: &mut Conn) -> Result<(), Failure> {
    let query = "SELECT GET_LOCK(LEFT(CONCAT('raw-database ', DATABASE()), 64), 0)";
    match conn.query_first(query).await? {
        Some(Some(1)) => Ok(()),
        None::<Option<u8>> | Some(_) => Err(Failure::Usage("another run is writing to --into".to_owned())),
    }
}

async fn place(conn: &mut Conn) -> Result<Place, Failure> {
    let row: Option<(String, u16, String, Option<String>)> = conn
        .query_first("SELECT @@hostname, @@port, @@datadir, DATABASE()")
        .await?;
    let (host, port, data, database) = row.unwrap_or_default();
    let database = database.unwrap_or_default();
    Ok(Place {
        host,
        port,
        data,
        database,
    })
}

/// The names of all tables and views, with their comments.
async fn found(conn: &mut Conn) -> Result<Vec<(String, String)>, Failure> {
    let query =
        "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()";
    Ok(conn.query(query).await?)
}

/// The names of what an earlier run has left, if there is nothing else.
fn names_if_own(found: &[(String, String)]) -> Result<Vec<String>, Failure> {
    match found.iter().find(|(_, comment)| comment != MARK) {
        Some((name, _)) => Err(Failure::Usage(format!(
            "--into is not empty: it has {name}, which this program has not made"
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
    fn a_database_with_a_table_of_somebody_is_refused() {
        let found = [table("notices", MARK), table("payroll", "")];
        let refused = names_if_own(&found).expect_err("not ours");
        assert!(
            matches!(&refused, Failure::Usage(text) if text.contains("payroll")),
            "{refused}"
        );
        let inbox = [table("notices", "the inbox: every authentic notice once")];
        assert!(names_if_own(&inbox).is_err());
    }

    #[test]
    fn what_an_earlier_run_has_left_may_go() {
        let found = [table("notices", MARK), table("proposals", MARK)];
        assert_eq!(names_if_own(&found).expect("ours"), ["notices", "proposals"]);
        assert!(names_if_own(&[]).expect("empty").is_empty());
    }

    #[test]
    fn a_table_that_is_made_here_says_so_last() {
        let ddl = "CREATE TABLE `t` (`k` int) ENGINE=InnoDB COMMENT='of the worker'";
        assert!(marked(ddl).ends_with(&format!("COMMENT='of the worker' COMMENT='{MARK}'")));
    }
}
