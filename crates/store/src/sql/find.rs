//! Finds proposal numbers by the data that a customer knows, and summarises each proposal.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::schema::{insured_persons, policies, proposals, unmatched_persons};
use crate::{Connection, StoreError};

/// Proposals that have a policy of this number.
pub async fn by_policy(conn: &mut Connection, policy_num: &str) -> Result<Vec<String>, StoreError> {
    let rows = policies::table
        .filter(policies::policy_num.eq(policy_num))
        .select(policies::insure_num);
    Ok(rows.distinct().order(policies::insure_num).load(conn).await?)
}

/// Proposals of this user of the channel (`partnerUniqueKey`).
pub async fn by_user(conn: &mut Connection, key: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = proposals::table
        .filter(proposals::partner_unique_key.eq(key))
        .select(proposals::insure_num);
    Ok(rows
        .order(proposals::insure_num.desc())
        .limit(limit)
        .load(conn)
        .await?)
}

/// Proposals with a cancellation that names a person who is in no policy.
pub async fn unmatched(conn: &mut Connection, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = unmatched_persons::table.select(unmatched_persons::insure_num);
    Ok(rows
        .distinct()
        .order(unmatched_persons::insure_num.desc())
        .limit(limit)
        .load(conn)
        .await?)
}

/// Proposals with an insured person or an applicant of one of these names.
pub async fn by_name(
    conn: &mut Connection,
    names: &BTreeSet<String>,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let insured = insured_persons::table
        .filter(insured_persons::name.eq_any(names))
        .select(insured_persons::insure_num)
        .distinct()
        .order(insured_persons::insure_num.desc())
        .limit(limit);
    let mut found: Vec<String> = insured.load(conn).await?;
    let applied_for = policies::table
        .filter(policies::applicant.eq_any(names))
        .select(policies::insure_num)
        .distinct()
        .order(policies::insure_num.desc())
        .limit(limit);
    found.extend(applied_for.load::<String>(conn).await?);
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    Ok(found)
}

/// A proposal on one line.
#[derive(Debug, Clone, Queryable)]
pub struct Summary {
    /// Proposal number.
    pub insure_num: String,
    /// The user at the channel.
    pub partner_unique_key: Option<String>,
    /// Name of its status, see [`Status`](xiebao_core::status::Status).
    pub status: Option<String>,
    /// An abnormality was reported.
    pub abnormal: bool,
}

/// The proposals of these numbers, the greatest first.
pub async fn summaries(conn: &mut Connection, proposals: &[String]) -> Result<Vec<Summary>, StoreError> {
    let rows = proposals::table
        .filter(proposals::insure_num.eq_any(proposals))
        .select((
            proposals::insure_num,
            proposals::partner_unique_key,
            proposals::status,
            proposals::abnormal,
        ));
    Ok(rows.order(proposals::insure_num.desc()).load(conn).await?)
}

/// Proposal and policy numbers of these proposals.
pub async fn policy_numbers(
    conn: &mut Connection,
    proposals: &[String],
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = policies::table
        .filter(policies::insure_num.eq_any(proposals))
        .select((policies::insure_num, policies::policy_num));
    Ok(rows
        .order((policies::insure_num, policies::policy_num))
        .load(conn)
        .await?)
}
