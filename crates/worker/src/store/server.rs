//! What the database server says about itself.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Datetime, Text};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

use super::StoreError;

pub async fn version(conn: &mut AsyncMysqlConnection) -> Result<String, StoreError> {
    Ok(diesel::select(sql::<Text>("VERSION()")).get_result(conn).await?)
}

/// The time now by the server's clock.
pub async fn time(conn: &mut AsyncMysqlConnection) -> Result<DateTime<Utc>, StoreError> {
    let time: NaiveDateTime = diesel::select(sql::<Datetime>("UTC_TIMESTAMP(6)"))
        .get_result(conn)
        .await?;
    Ok(time.and_utc())
}

/// Whether the database has a table of this name.
pub async fn has_table(conn: &mut AsyncMysqlConnection, name: &str) -> Result<bool, StoreError> {
    let count = sql::<BigInt>(
        "(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ",
    )
    .bind::<Text, _>(name)
    .sql(")");
    let count: i64 = diesel::select(count).get_result(conn).await?;
    Ok(count > 0)
}
