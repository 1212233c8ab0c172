use std::collections::BTreeMap;

use xiebao_core::id::InsureNum;
use xiebao_core::ledger::{Ledger, Link};

use crate::sql::links;
use crate::sql::notices::{self, Known, NoticeRow};
use crate::{Connection, StoreError};

/// The stored rows and links of one proposal, not parsed.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub rows: Vec<NoticeRow>,
    pub links: Vec<Link>,
}

/// Loads the ledgers of proposals; that of an unknown proposal is empty.
pub async fn load(
    conn: &mut Connection,
    proposals: impl Iterator<Item = &InsureNum>,
) -> Result<BTreeMap<InsureNum, Ledger>, StoreError> {
    let stored = find(conn, proposals).await?.into_iter();
    stored
        .map(|(num, stored)| stored.into_ledger(&num).map(|ledger| (num, ledger)))
        .collect()
}

/// Reads the rows and links of proposals; an unknown proposal has none.
pub(super) async fn find(
    conn: &mut Connection,
    proposals: impl Iterator<Item = &InsureNum>,
) -> Result<BTreeMap<InsureNum, Stored>, StoreError> {
    let names: Vec<&InsureNum> = proposals.collect();
    let mut all: BTreeMap<InsureNum, Stored> = names
        .iter()
        .map(|num| (InsureNum::clone(num), Stored::default()))
        .collect();
    if names.is_empty() {
        return Ok(all);
    }
    for row in notices::of_proposals(conn, &names).await? {
        if let Some(stored) = all.get_mut(row.insure_num.as_str()) {
            stored.rows.push(row);
        }
    }
    for pending in links::leading_to(conn, &names).await? {
        if let Some(stored) = all.get_mut(&pending.new_insure_num) {
            stored.links.push(pending.link);
        }
    }
    Ok(all)
}

impl Stored {
    /// Parses all rows.
    pub fn into_ledger(self, num: &InsureNum) -> Result<Ledger, StoreError> {
        let mut ledger = Ledger::empty(num.clone());
        ledger.links = self.links;
        for row in self.rows {
            match row.read()? {
                Known::Entry(entry) => {
                    if !entry.voided {
                        ledger.owner = Some(entry.notice.partner_id);
                    }
                    ledger.entries.push(*entry);
                }
                Known::Ignored(ignored) => ledger.ignored.push(ignored),
                Known::Pruned(known) => {
                    if !known.voided {
                        ledger.owner = Some(known.partner_id);
                    }
                    ledger.pruned.push(known);
                }
            }
        }
        Ok(ledger)
    }
}
