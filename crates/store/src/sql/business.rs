//! Writing the business tables: the changes of many proposals in one statement a table.

mod record;
mod records;
mod tables;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::id::InsureNum;
use xiebao_core::rows::Changes;

pub(crate) use record::Record;
pub(crate) use records::{
    Abnormality, Cancellation, Endorsement, HoldRow, InsuredPerson, LinkRow, Payment, Policy, Proposal,
};

pub use tables::rows;

use super::kept;
use crate::{Connection, StoreError};
use crate::schema::proposals;

/// The changes of one proposal.
pub struct ProposalChanges {
    pub insure_num: InsureNum,
    pub changes: Changes,
}

/// Writes one table's part of all changes. `$key` makes a key of the changes into the rest of that of the table.
macro_rules! write {
    ($conn:expr, $all:expr, $table:ident, $record:ident, $key:expr) => {{
        let mut upserts = Vec::new();
        let mut deletes = Vec::new();
        for one in $all {
            let (num, changes) = (&one.insure_num, &one.changes.$table);
            upserts.extend(
                changes
                    .upserts
                    .iter()
                    .map(|(key, row)| $record::of(num, key, row)),
            );
            deletes.extend(changes.deletes.iter().map(|key| $key(num.to_string(), key)));
        }
        $record::delete($conn, &deletes).await?;
        kept::upsert($conn, &upserts).await?;
    }};
}

/// Writes all changes. The caller holds the locks of the proposals.
pub async fn write(conn: &mut Connection, all: &[ProposalChanges]) -> Result<(), StoreError> {
    use xiebao_core::rows::{FactKey, LogKey, PersonKey};
    let fact = |num, key: &FactKey| (num, key.0.clone());
    let log = |num, key: &LogKey| (num, key.digest.to_string(), key.occurrence);
    let person = |num, key: &PersonKey| (num, key.policy_num.to_string(), key.name.clone());
    write!(conn, all, proposals, Proposal, |num, (): &()| (num,));
    write!(conn, all, payments, Payment, fact);
    write!(conn, all, cancellations, Cancellation, fact);
    write!(conn, all, policies, Policy, |num, key: &InsureNum| (
        num,
        key.to_string()
    ));
    write!(conn, all, insured_persons, InsuredPerson, person);
    write!(conn, all, endorsements, Endorsement, log);
    write!(conn, all, abnormalities, Abnormality, log);
    Ok(())
}

/// Which proposal a pruned one replaces: what its links alone say. The caller holds its lock.
pub async fn set_reissued_from(
    conn: &mut Connection,
    num: &InsureNum,
    replaces: Option<&InsureNum>,
) -> Result<(), StoreError> {
    let row = proposals::table.filter(proposals::insure_num.eq(num.as_str()));
    diesel::update(row)
        .set(proposals::reissued_from.eq(replaces.map(InsureNum::as_str)))
        .execute(conn)
        .await?;
    Ok(())
}

/// The first proposals behind `after` that have derived rows: `limit` of each table, not in order.
pub(crate) async fn proposals(
    conn: &mut Connection,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let mut names = Proposal::proposals(conn, after, limit).await?;
    names.extend(Payment::proposals(conn, after, limit).await?);
    names.extend(Policy::proposals(conn, after, limit).await?);
    names.extend(InsuredPerson::proposals(conn, after, limit).await?);
    names.extend(Cancellation::proposals(conn, after, limit).await?);
    names.extend(Endorsement::proposals(conn, after, limit).await?);
    names.extend(Abnormality::proposals(conn, after, limit).await?);
    names.extend(HoldRow::proposals(conn, after, limit).await?);
    names.extend(LinkRow::proposals(conn, after, limit).await?);
    Ok(names)
}
