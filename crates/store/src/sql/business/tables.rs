//! What the tables hold of one proposal, for those whose notices say nothing any more.

use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::lifecycle::Status;
use xiebao_core::rows::{FactKey, PaymentRow, PersonKey, PersonRow, PolicyRow, ProposalRow, Rows};

use super::{Cancellation, InsuredPerson, Payment, Policy, Proposal, Record};
use crate::{Connection, StoreError};

/// The successful 5 that name another proposal: their type in `cancellations`.
const REISSUED: i64 = 5;

/// The rows of a proposal but for the logs and the cancellations, of which the links to other proposals are told.
pub async fn rows(conn: &mut Connection, num: &InsureNum) -> Result<Rows, StoreError> {
    let names = [num.as_str()];
    let mut rows = Rows::default();
    let proposals = Proposal::read(conn, &names).await?;
    let partner = proposals.first().map(|row| PartnerId(row.partner_id));
    rows.proposals = proposals.into_iter().map(|row| ((), proposal(row))).collect();
    rows.payments = Payment::read(conn, &names)
        .await?
        .into_iter()
        .map(payment)
        .collect();
    let policies = Policy::read(conn, &names).await?.into_iter();
    rows.policies = policies.filter_map(policy).collect();
    let persons = InsuredPerson::read(conn, &names).await?.into_iter();
    rows.insured_persons = persons.filter_map(person).collect();
    let cancellations = Cancellation::read(conn, &names).await?.into_iter();
    let reissues = cancellations.filter(|row| row.success && row.notify_type == REISSUED);
    let reissues = reissues.filter_map(|row| Some((number(row.new_insure_num.as_deref()?)?, partner?)));
    rows.reissues = reissues.collect();
    Ok(rows)
}

fn number(text: &str) -> Option<InsureNum> {
    InsureNum::parse(text).ok().flatten()
}

fn proposal(row: Proposal) -> ProposalRow {
    ProposalRow {
        partner_id: PartnerId(row.partner_id),
        partner_unique_key: row.partner_unique_key,
        case_code: row.case_code,
        status: row.status.as_deref().and_then(Status::from_name),
        e_policy_ready: row.e_policy_ready,
        abnormal: row.abnormal,
        reissued_from: row.reissued_from.as_deref().and_then(number),
        reissued_to: row.reissued_to.as_deref().and_then(number),
    }
}

fn payment(row: Payment) -> (FactKey, PaymentRow) {
    let key = FactKey(row.fact);
    let row = PaymentRow {
        success: row.success,
        price_fen: row.price_fen,
        gateway: row.gateway,
        pay_time: row.pay_time,
        fail_msg: row.fail_msg,
        new_money: row.new_money,
    };
    (key, row)
}

fn policy(row: Policy) -> Option<(InsureNum, PolicyRow)> {
    let key = number(&row.policy_num)?;
    let row = PolicyRow {
        product_id: row.product_id,
        product_name: row.product_name,
        plan_id: row.plan_id,
        plan_name: row.plan_name,
        applicant: row.applicant,
        start_date: row.start_date,
        end_date: row.end_date,
        cancelled: row.cancelled,
    };
    Some((key, row))
}

fn person(row: InsuredPerson) -> Option<(PersonKey, PersonRow)> {
    let key = PersonKey {
        policy_num: number(&row.policy_num)?,
        name: row.name,
    };
    let row = PersonRow {
        cancelled: row.cancelled,
    };
    Some((key, row))
}
