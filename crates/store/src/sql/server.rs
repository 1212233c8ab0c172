//! Facts about the database server.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::QueryableByName;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Datetime, Nullable, Text};
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

/// The largest packet that the server takes, in bytes.
pub async fn max_allowed_packet(conn: &mut Connection) -> Result<i64, StoreError> {
    let packet = sql::<BigInt>("@@max_allowed_packet");
    Ok(diesel::select(packet).get_result(conn).await?)
}

/// The variables that a `SHOW` statement shows, by their names in lower case.
pub(crate) async fn variables(
    conn: &mut Connection,
    show: &str,
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<Variable> = diesel::sql_query(show).load(conn).await?;
    let values = rows
        .into_iter()
        .map(|row| (row.name.to_lowercase(), row.value.unwrap_or_default()));
    Ok(values.collect())
}

/// How many more connections the server takes; `None` if it does not say.
pub async fn free_connections(conn: &mut Connection) -> Result<Option<i64>, StoreError> {
    let mut values = variables(conn, "SHOW GLOBAL VARIABLES LIKE 'max_connections'").await?;
    values.extend(variables(conn, "SHOW GLOBAL STATUS LIKE 'Threads_connected'").await?);
    let number = |name: &str| values.get(name)?.parse::<i64>().ok();
    Ok(number("max_connections")
        .zip(number("threads_connected"))
        .map(|(most, used)| most - used))
}

#[derive(QueryableByName)]
struct Variable {
    #[diesel(sql_type = Text, column_name = "Variable_name")]
    name: String,
    #[diesel(sql_type = Nullable<Text>, column_name = "Value")]
    value: Option<String>,
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
