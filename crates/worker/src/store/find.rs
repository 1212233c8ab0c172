//! From what a customer can tell to proposal numbers.

use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};

use super::StoreError;
use crate::schema::{insured_persons, policies, proposals};

/// Proposals that have a policy of this number.
pub async fn by_policy(conn: &mut AsyncMysqlConnection, policy_num: &str) -> Result<Vec<String>, StoreError> {
    let rows = policies::table
        .filter(policies::policy_num.eq(policy_num))
        .select(policies::insure_num);
    Ok(rows.distinct().order(policies::insure_num).load(conn).await?)
}

/// Proposals of this user of the channel (`partnerUniqueKey`).
pub async fn by_user(
    conn: &mut AsyncMysqlConnection,
    key: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = proposals::table
        .filter(proposals::partner_unique_key.eq(key))
        .select(proposals::insure_num);
    Ok(rows
        .order(proposals::insure_num.desc())
        .limit(limit)
        .load(conn)
        .await?)
}

/// Proposals with an insured person or an applicant of this name.
pub async fn by_name(
    conn: &mut AsyncMysqlConnection,
    name: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let insured = insured_persons::table
        .filter(insured_persons::name.eq(name))
        .select(insured_persons::insure_num)
        .distinct()
        .order(insured_persons::insure_num.desc())
        .limit(limit);
    let mut found: Vec<String> = insured.load(conn).await?;
    let applied_for = policies::table
        .filter(policies::applicant.eq(name))
        .select(policies::insure_num)
        .distinct()
        .order(policies::insure_num.desc())
        .limit(limit);
    found.extend(applied_for.load::<String>(conn).await?);
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    Ok(found)
}
