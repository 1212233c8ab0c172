//! Reissue links: the outbox, and the links stored at the new proposals.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::ledger::Link;

use super::bulk::{bulk_upsert, lists, one_of};
use super::business::LinkRow;
use super::by_keys::{self, joined, numbers};
use crate::schema::{reissue_links, reissue_outbox};
use crate::{Connection, StoreError};

mod outbox;

use outbox::{OutboxKey, OutboxRow};

/// A link on its way from the cancelled proposal to the one that replaces it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingLink {
    /// The proposal that replaces the cancelled one.
    pub new_insure_num: InsureNum,
    /// The cancelled proposal, and the partner that states the link.
    pub link: Link,
    /// The new proposal must forget it.
    pub withdrawn: bool,
}

/// Writes links to the outbox of the cancelled proposals.
pub async fn post(conn: &mut Connection, links: &[PendingLink]) -> Result<(), StoreError> {
    let row = |pending: &PendingLink| OutboxRow {
        insure_num: pending.link.reissued_from.to_string(),
        new_insure_num: pending.new_insure_num.to_string(),
        partner_id: pending.link.partner_id.0,
        withdrawn: pending.withdrawn,
    };
    let rows: Vec<_> = links.iter().map(row).collect();
    bulk_upsert(conn, &rows).await
}

/// Links that have not been delivered, in the order of their key, after `after`.
pub async fn posted(
    conn: &mut Connection,
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
        .filter_map(|(from, to, partner, withdrawn)| pending_link(from, to, *partner, *withdrawn))
        .collect())
}

fn pending_link(from: &str, to: &str, partner_id: i64, withdrawn: bool) -> Option<PendingLink> {
    let reissued_from = InsureNum::parse(from).ok().flatten()?;
    let new_insure_num = InsureNum::parse(to).ok().flatten()?;
    Some(PendingLink {
        new_insure_num,
        link: Link {
            reissued_from,
            partner_id: PartnerId(partner_id),
        },
        withdrawn,
    })
}

/// Takes the given links from the outbox, if they are still there with the same `withdrawn`. The caller holds the locks
/// of the new proposals and applies the links in the same transaction.
pub async fn take(conn: &mut Connection, links: Vec<PendingLink>) -> Result<Vec<PendingLink>, StoreError> {
    let lying = lying(conn, &links).await?;
    let mut taken = BTreeMap::new();
    for mut link in links {
        let key = OutboxKey::of(&link);
        if let Some(partner_id) = lying.get(&key) {
            // Another partner may have stated it since.
            link.link.partner_id = *partner_id;
            taken.insert(key, link);
        }
    }
    // In the order of the table's key.
    let keys: Vec<OutboxKey> = taken.keys().cloned().collect();
    if outbox::delete(conn, &keys).await? == keys.len() {
        return Ok(taken.into_values().collect());
    }
    Err(StoreError::Conflict(
        "a reissue link was posted again while it was carried over".into(),
    ))
}

/// The outbox of the proposals that these links lead from, with the partner that states each. Locks nothing.
async fn lying(
    conn: &mut Connection,
    links: &[PendingLink],
) -> Result<BTreeMap<OutboxKey, PartnerId>, StoreError> {
    let sources: BTreeSet<&str> = links
        .iter()
        .map(|link| link.link.reissued_from.as_str())
        .collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let mut all = BTreeMap::new();
    for list in lists(&sources) {
        let rows = reissue_outbox::table
            .filter(one_of(reissue_outbox::insure_num, list))
            .select((OutboxKey::as_select(), reissue_outbox::partner_id));
        let rows: Vec<(OutboxKey, i64)> = rows.load(conn).await?;
        all.extend(rows.into_iter().map(|(key, partner)| (key, PartnerId(partner))));
    }
    Ok(all)
}

/// Deletes links from the proposals that they led to.
pub async fn forget(conn: &mut Connection, links: &[PendingLink]) -> Result<(), StoreError> {
    for link in links {
        let row = reissue_links::table
            .filter(reissue_links::insure_num.eq(link.new_insure_num.as_str()))
            .filter(reissue_links::reissued_from.eq(link.link.reissued_from.as_str()));
        diesel::delete(row).execute(conn).await?;
    }
    Ok(())
}

/// Stores links at the proposals that they lead to.
pub async fn store(conn: &mut Connection, links: &[PendingLink]) -> Result<(), StoreError> {
    let row = |pending: &PendingLink| LinkRow {
        insure_num: pending.new_insure_num.to_string(),
        reissued_from: pending.link.reissued_from.to_string(),
        partner_id: pending.link.partner_id.0,
    };
    let rows: Vec<_> = links.iter().map(row).collect();
    bulk_upsert(conn, &rows).await
}

/// The links that lead to any of these proposals.
pub async fn leading_to(
    conn: &mut Connection,
    proposals: &[&InsureNum],
) -> Result<Vec<PendingLink>, StoreError> {
    let links = joined!("reissue_links": text "insure_num");
    let links = by_keys::select(reissue_links::all_columns, links, &numbers(proposals))?;
    let rows: Vec<(String, String, i64)> = links.load(conn).await?;
    Ok(rows
        .iter()
        .filter_map(|(to, from, partner)| pending_link(from, to, *partner, false))
        .collect())
}

/// The proposals that a cancelled one has stored links to.
pub async fn led_to_from(conn: &mut Connection, from: &InsureNum) -> Result<Vec<String>, StoreError> {
    let links = reissue_links::table
        .filter(reissue_links::reissued_from.eq(from.as_str()))
        .select(reissue_links::insure_num);
    Ok(links.load(conn).await?)
}

/// The links of these cancelled proposals in the outbox: from and to.
pub async fn on_their_way(
    conn: &mut Connection,
    sources: &[&str],
) -> Result<BTreeSet<(String, String)>, StoreError> {
    let rows = reissue_outbox::table
        .filter(reissue_outbox::insure_num.eq_any(sources))
        .select((reissue_outbox::insure_num, reissue_outbox::new_insure_num));
    let rows: Vec<(String, String)> = rows.load(conn).await?;
    Ok(rows.into_iter().collect())
}
