//! Facts about the database server.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::QueryableByName;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Datetime, Text};
use diesel_async::RunQueryDsl;

use crate::{Connection, StoreError};

/// The version of the server, as it states it.
pub async fn version(conn: &mut Connection) -> Result<String, StoreError> {
    Ok(diesel::select(sql::<Text>("VERSION()")).get_result(conn).await?)
}

/// The current time by the server's clock.
pub async fn time(conn: &mut Connection) -> Result<DateTime<Utc>, StoreError> {
    let time: NaiveDateTime = diesel::select(sql::<Datetime>("UTC_TIMESTAMP(6)"))
        .get_result(conn)
        .await?;
    Ok(time.and_utc())
}

/// Variables of the server, and its number of connections as `threads_connected`. Variables that it does not know are
/// left out.
pub async fn variables(conn: &mut Connection) -> Result<BTreeMap<String, String>, StoreError> {
    let mut all = BTreeMap::new();
    for query in [
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', \
         'innodb_doublewrite', 'max_allowed_packet', 'read_only', 'innodb_read_only', 'max_connections')",
        "SHOW GLOBAL STATUS LIKE 'Threads_connected'",
    ] {
        let rows: Vec<Variable> = diesel::sql_query(query).load(conn).await?;
        all.extend(rows.into_iter().map(|row| (row.name.to_lowercase(), row.value)));
    }
    Ok(all)
}

#[derive(QueryableByName)]
struct Variable {
    #[diesel(sql_type = Text, column_name = "Variable_name")]
    name: String,
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// True if the database has a table of this name.
pub async fn has_table(conn: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let count = sql::<BigInt>(
        "(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ",
    )
    .bind::<Text, _>(name)
    .sql(")");
    let count: i64 = diesel::select(count).get_result(conn).await?;
    Ok(count > 0)
}
