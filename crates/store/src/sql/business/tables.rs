//! The stored rows of a proposal whose notices were pruned.

use xiebao_core::id::{InsureNum, NotifyType, Step};
use xiebao_core::rows::Rows;

use super::record::Derived;
use super::{Cancellation, InsuredPerson, Payment, Policy, Proposal, UnmatchedPersons};
use crate::{Connection, StoreError};

/// The rows of a proposal, except the logs and the cancellations. The links to other proposals come from the successful
/// cancellations that name one.
pub async fn rows(conn: &mut Connection, num: &InsureNum) -> Result<Rows, StoreError> {
    let names = [num.as_str()];
    let mut rows = Rows {
        proposals: read::<Proposal, _>(conn, &names).await?,
        payments: read::<Payment, _>(conn, &names).await?,
        policies: read::<Policy, _>(conn, &names).await?,
        insured_persons: read::<InsuredPerson, _>(conn, &names).await?,
        unmatched_persons: read::<UnmatchedPersons, _>(conn, &names).await?,
        ..Rows::default()
    };
    let partner = rows.proposals.get(&()).map(|row| row.partner_id);
    let cancellations: Vec<_> = read::<Cancellation, _>(conn, &names).await?;
    let reissues = cancellations
        .into_iter()
        .filter(|(_, row)| row.success && Step::of(NotifyType(row.notify_type)) == Some(Step::Reissued));
    let reissues = reissues.filter_map(|(_, row)| Some((row.new_insure_num?, partner?)));
    rows.reissues = reissues.collect();
    Ok(rows)
}

async fn read<R, C>(conn: &mut Connection, proposals: &[&str]) -> Result<C, StoreError>
where
    R: Derived,
    C: FromIterator<(R::RowKey, R::Row)>,
{
    let records = R::read(conn, proposals).await?;
    Ok(records.into_iter().filter_map(R::restore).collect())
}
