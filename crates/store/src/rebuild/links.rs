//! Reissue links are stated by the notices of one proposal and stored at another. Both sides are read under the lock of
//! the proposal that a link leads to; delivering the link needs the same lock. A link in the outbox is not delivered
//! yet, so the table is right about it.

use std::collections::{BTreeMap, BTreeSet};

use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType, PartnerId, Step};
use xiebao_core::ledger::Link;

use super::Missing;
use crate::sql::business::{LinkRow, Record};
use crate::sql::{links as outbox, notices};
use crate::{Connection, StoreError};

/// The type whose notices state links.
pub(super) const REISSUED: NotifyType = Step::Reissued.notify_type();

/// By cancelled proposal and the one that replaces it.
#[derive(Default)]
struct Stated {
    links: BTreeMap<(String, String), PartnerId>,
    /// Proposals whose notices no longer state links because their bodies were pruned: the table decides.
    pruned: BTreeSet<String>,
}

/// The treatment of a notice that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unreadable {
    /// Skip it: its proposal is reported in its turn.
    Skip,
    /// Fail: nothing can be said about the proposals that it may lead to.
    Fail,
}

/// The links that the notices of these proposals state.
async fn stated_by(
    conn: &mut Connection,
    sources: &[&str],
    unreadable: Unreadable,
) -> Result<Stated, StoreError> {
    let mut stated = Stated::default();
    for row in notices::counted_of_type(conn, sources, REISSUED).await? {
        if row.emptied_at().is_some() {
            stated.pruned.insert(row.insure_num);
            continue;
        }
        let notice = match Notice::read(&row.raw.clone().into()) {
            Ok(notice) => notice,
            Err(_) if unreadable == Unreadable::Skip => continue,
            Err(rejection) => return Err(row.unreadable(rejection)),
        };
        if let Some(new) = notice.reissued_to() {
            stated
                .links
                .insert((row.insure_num, new.to_string()), notice.partner_id);
        }
    }
    Ok(stated)
}

/// Collects the links that these proposals state and the table lacks.
pub(super) async fn note_missing(
    conn: &mut Connection,
    sources: &[String],
    missing: &mut Missing,
) -> Result<(), StoreError> {
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let stated = stated_by(conn, &sources, Unreadable::Skip).await?.links;
    let targets: BTreeSet<&str> = stated.keys().map(|(_, to)| to.as_str()).collect();
    let targets: Vec<&str> = targets.into_iter().collect();
    let known: BTreeSet<(String, String)> = LinkRow::read(conn, &targets)
        .await?
        .into_iter()
        .map(|row| (row.reissued_from, row.insure_num))
        .collect();
    for (from, to) in stated.into_keys().filter(|link| !known.contains(link)) {
        if let Ok(Some(from)) = InsureNum::parse(&from) {
            missing.entry(to).or_default().insert(from);
        }
    }
    Ok(())
}

/// The proposal and the proposals that its links lead to, by its notices and by the table.
pub(super) async fn around(
    conn: &mut Connection,
    num: &InsureNum,
) -> Result<(BTreeSet<String>, Missing), StoreError> {
    let mut missing = Missing::new();
    note_missing(conn, &[num.to_string()], &mut missing).await?;
    let mut names: BTreeSet<String> = missing.keys().cloned().collect();
    names.insert(num.to_string());
    names.extend(outbox::led_to_from(conn, num).await?);
    Ok((names, missing))
}

/// The links to these proposals as they should be. The caller holds their locks.
pub(super) async fn wanted(
    conn: &mut Connection,
    names: &[&str],
    missing: &Missing,
) -> Result<Vec<LinkRow>, StoreError> {
    let actual = LinkRow::read(conn, names).await?;
    let mut sources: BTreeSet<String> = actual.iter().map(|row| row.reissued_from.clone()).collect();
    let lacking = names.iter().filter_map(|name| missing.get(*name)).flatten();
    sources.extend(lacking.map(InsureNum::to_string));
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let stated = stated_by(conn, &sources, Unreadable::Fail).await?;
    // Read after the notices: a link that was on its way then still is, because delivering it needs the lock.
    let on_their_way = outbox::on_their_way(conn, &sources).await?;
    let told = |from: &str, to: &str| !on_their_way.contains(&(from.to_owned(), to.to_owned()));
    let mut wanted: Vec<LinkRow> = stated
        .links
        .into_iter()
        .filter(|((from, to), _)| names.contains(&to.as_str()) && told(from, to))
        .map(|((from, to), partner)| LinkRow {
            insure_num: to,
            reissued_from: from,
            partner_id: partner.0,
        })
        .collect();
    wanted.extend(actual.into_iter().filter(|row| {
        !told(&row.reissued_from, &row.insure_num) || stated.pruned.contains(&row.reissued_from)
    }));
    Ok(wanted)
}

pub(super) fn link_of(row: &LinkRow) -> Option<Link> {
    Some(Link {
        reissued_from: InsureNum::parse(&row.reissued_from).ok().flatten()?,
        partner_id: PartnerId(row.partner_id),
    })
}
