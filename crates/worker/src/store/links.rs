use diesel::prelude::*;
use diesel_async::{AsyncMysqlConnection, RunQueryDsl};
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::ledger::Link;

use super::{ROWS_PER_STATEMENT, StoreError, incoming};
use crate::schema::{reissue_links, reissue_outbox};

/// A link on its way from the cancelled proposal to the one that replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLink {
    pub new_insure_num: InsureNum,
    pub link: Link,
}

/// Notes links in the outbox of the cancelled proposals.
pub async fn post(conn: &mut AsyncMysqlConnection, links: &[PendingLink]) -> Result<(), StoreError> {
    for chunk in links.chunks(ROWS_PER_STATEMENT) {
        let row = |pending: &PendingLink| {
            (
                reissue_outbox::insure_num.eq(pending.link.reissued_from.to_string()),
                reissue_outbox::new_insure_num.eq(pending.new_insure_num.to_string()),
                reissue_outbox::partner_id.eq(pending.link.partner_id.0),
            )
        };
        diesel::insert_into(reissue_outbox::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(reissue_outbox::partner_id))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Links that have not been delivered, in the order of their key, from behind `after`.
pub async fn posted(
    conn: &mut AsyncMysqlConnection,
    after: Option<&PendingLink>,
    limit: i64,
) -> Result<Vec<PendingLink>, StoreError> {
    let mut query = reissue_outbox::table
        .order((reissue_outbox::insure_num, reissue_outbox::new_insure_num))
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        let from = after.link.reissued_from.as_str();
        let same = reissue_outbox::insure_num.eq(from);
        let later_number = same.and(reissue_outbox::new_insure_num.gt(after.new_insure_num.as_str()));
        query = query.filter(reissue_outbox::insure_num.gt(from).or(later_number));
    }
    let rows: Vec<(String, String, i64, bool)> = query.load(conn).await?;
    Ok(rows
        .iter()
        .filter_map(|(from, to, partner, _)| pending_link(from, to, *partner))
        .collect())
}

fn pending_link(from: &str, to: &str, partner_id: i64) -> Option<PendingLink> {
    let reissued_from = InsureNum::parse(from).ok().flatten()?;
    let new_insure_num = InsureNum::parse(to).ok().flatten()?;
    Some(PendingLink {
        new_insure_num,
        link: Link {
            reissued_from,
            partner_id: PartnerId(partner_id),
        },
    })
}

/// Forgets delivered links.
pub async fn delivered(conn: &mut AsyncMysqlConnection, link: &PendingLink) -> Result<(), StoreError> {
    let row = reissue_outbox::table
        .filter(reissue_outbox::insure_num.eq(link.link.reissued_from.as_str()))
        .filter(reissue_outbox::new_insure_num.eq(link.new_insure_num.as_str()));
    diesel::delete(row).execute(conn).await?;
    Ok(())
}

/// Stores links with the proposals that they lead to.
pub async fn store(conn: &mut AsyncMysqlConnection, links: &[PendingLink]) -> Result<(), StoreError> {
    for chunk in links.chunks(ROWS_PER_STATEMENT) {
        let row = |pending: &PendingLink| {
            (
                reissue_links::insure_num.eq(pending.new_insure_num.to_string()),
                reissue_links::reissued_from.eq(pending.link.reissued_from.to_string()),
                reissue_links::partner_id.eq(pending.link.partner_id.0),
            )
        };
        diesel::insert_into(reissue_links::table)
            .values(chunk.iter().map(row).collect::<Vec<_>>())
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set(incoming!(reissue_links::partner_id))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The links that lead to any of these proposals.
pub async fn leading_to(
    conn: &mut AsyncMysqlConnection,
    proposals: &[&InsureNum],
) -> Result<Vec<PendingLink>, StoreError> {
    let names: Vec<&str> = proposals.iter().map(|num| num.as_str()).collect();
    let rows: Vec<(String, String, i64)> = reissue_links::table
        .filter(reissue_links::insure_num.eq_any(names))
        .load(conn)
        .await?;
    Ok(rows
        .iter()
        .filter_map(|(to, from, partner)| pending_link(from, to, *partner))
        .collect())
}
