//! Writing the business tables: the changes of many proposals in one statement a table.

mod plain;
mod record;
mod records;
mod tables;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use xiebao_core::id::InsureNum;
use xiebao_core::rows::Changes;

pub(crate) use record::{Derived, Record};
pub(crate) use records::{
    Abnormality, Cancellation, Endorsement, HoldRow, InsuredPerson, LinkRow, Payment, Policy, Proposal,
    UnmatchedPersons,
};

pub use tables::rows;

use super::bulk;
use crate::schema::proposals;
use crate::{Connection, StoreError};

/// The changes of one proposal.
pub struct ProposalChanges {
    /// The proposal.
    pub insure_num: InsureNum,
    /// Its changed rows.
    pub changes: Changes,
}

/// Writes one table's part of all changes.
async fn write_table<R: Derived>(conn: &mut Connection, all: &[ProposalChanges]) -> Result<(), StoreError> {
    let mut upserts = Vec::new();
    let mut deletes = Vec::new();
    for ProposalChanges { insure_num, changes } in all {
        let changes = R::changes(changes);
        upserts.extend(
            changes
                .upserts
                .iter()
                .map(|(key, row)| R::of(insure_num, key, row)),
        );
        deletes.extend(changes.deletes.iter().map(|key| R::key_of(insure_num, key)));
    }
    R::delete(conn, &deletes).await?;
    bulk::bulk_upsert(conn, &upserts).await
}

macro_rules! every_table {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = $pattern:tt $keys:tt $columns:tt
    )+) => {
        /// Writes all changes. The caller holds the locks of the proposals.
        pub async fn write(conn: &mut Connection, all: &[ProposalChanges]) -> Result<(), StoreError> {
            $(write_table::<$Record>(conn, all).await?;)+
            Ok(())
        }

        /// The first proposals after `after` that have derived rows: `limit` of each table, unsorted.
        pub(crate) async fn proposals(
            conn: &mut Connection,
            after: &str,
            limit: i64,
        ) -> Result<Vec<String>, StoreError> {
            let mut names = HoldRow::proposals(conn, after, limit).await?;
            names.extend(LinkRow::proposals(conn, after, limit).await?);
            $(names.extend($Record::proposals(conn, after, limit).await?);)+
            Ok(names)
        }
    };
}
xiebao_core::business_tables!(every_table);

/// Sets the proposal that a pruned one replaces, which follows from its links alone. The caller holds its lock.
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
