use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder};

/// - UTC and `utf8mb4`, whatever the server's defaults are.
/// - Read committed: a batch sees every commit made before it took its locks, and leaves no gap locks behind.
/// - Strict: a value that does not fit is an error and is never cut.
/// - A session that has sent nothing for half a minute ends, and its locks with it. Otherwise, if the network drops a
///   connection without notice, the server would keep them for hours.
macro_rules! session {
    ($isolation:literal) => {
        concat!(
            "SET SESSION ",
            $isolation,
            " = 'READ-COMMITTED', \
             SESSION time_zone = '+00:00', SESSION character_set_client = 'utf8mb4', \
             SESSION character_set_connection = 'utf8mb4', SESSION character_set_results = 'utf8mb4', \
             SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
             SESSION innodb_lock_wait_timeout = 10, SESSION wait_timeout = 30"
        )
    };
}
const SESSION: &str = session!("transaction_isolation");
/// MariaDB before 11.1 has the variable under its old name.
const SESSION_OLD_NAME: &str = session!("tx_isolation");

/// `ER_UNKNOWN_SYSTEM_VARIABLE`.
const UNKNOWN_VARIABLE: u16 = 1193;

pub(super) async fn open(url: &str) -> Result<Conn, Error> {
    let mut options = OptsBuilder::from_opts(Opts::from_url(url)?)
        // The connection has a cache of its own.
        .stmt_cache_size(0)
        // An update counts the rows it matches, changed or not.
        .client_found_rows(true);
    if !url.contains("prefer_socket=") {
        // By default the driver leaves a loopback address for the server's Unix socket.
        options = options.prefer_socket(false);
    }
    let mut conn = Conn::new(options).await?;
    match conn.query_drop(SESSION).await {
        Err(Error::Server(error)) if error.code == UNKNOWN_VARIABLE => {
            conn.query_drop(SESSION_OLD_NAME).await?
        }
        result => result?,
    }
    Ok(conn)
}
