//! The rows of the tables that are derived from `notices`, column by column as the database holds them.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use xiebao_core::id::InsureNum;
use xiebao_core::rows::{
    AbnormalityRow, CancellationRow, EndorsementRow, FactKey, LogKey, PaymentRow, PersonKey, PersonRow,
    PolicyRow, ProposalRow,
};

use super::record::record;
use crate::{Connection, StoreError};
use crate::schema::{
    abnormalities, cancellations, endorsements, holds, insured_persons, payments, policies, proposals,
    reissue_links,
};

record! {
    proposals as Proposal by (insure_num: String) {
        partner_id: i64,
        partner_unique_key: Option<String>,
        case_code: Option<String>,
        status: Option<String>,
        e_policy_ready: bool,
        abnormal: bool,
        reissued_from: Option<String>,
        reissued_to: Option<String>,
    }
}

record! {
    payments as Payment by (insure_num: String, fact: String) {
        success: bool,
        price_fen: Option<i64>,
        gateway: Option<i64>,
        pay_time: Option<NaiveDateTime>,
        fail_msg: Option<String>,
        new_money: bool,
    }
}

record! {
    policies as Policy by (insure_num: String, policy_num: String) {
        product_id: Option<i64>,
        product_name: Option<String>,
        plan_id: Option<i64>,
        plan_name: Option<String>,
        applicant: Option<String>,
        start_date: Option<NaiveDate>,
        end_date: Option<NaiveDate>,
        cancelled: bool,
    }
}

record! {
    insured_persons as InsuredPerson by (insure_num: String, policy_num: String, name: String) {
        cancelled: bool,
    }
}

record! {
    cancellations as Cancellation by (insure_num: String, fact: String) {
        notify_type: i64,
        success: bool,
        insurants: Option<String>,
        new_insure_num: Option<String>,
        cancel_msg: Option<String>,
        fail_msg: Option<String>,
    }
}

record! {
    endorsements as Endorsement by (insure_num: String, digest: String, occurrence: i32) {
        status: i64,
        success: bool,
        msg: Option<String>,
        remark: Option<String>,
    }
}

record! {
    abnormalities as Abnormality by (insure_num: String, digest: String, occurrence: i32) {
        fail_msg: Option<String>,
    }
}

record! {
    /// When the earliest wait of the proposal ends.
    holds as HoldRow by (insure_num: String) {
        due_at: NaiveDateTime,
    }
}

record! {
    /// A link as the new proposal knows it.
    reissue_links as LinkRow by (insure_num: String, reissued_from: String) {
        partner_id: i64,
    }
}

impl Proposal {
    pub fn of(num: &InsureNum, (): &(), row: &ProposalRow) -> Self {
        Self {
            insure_num: num.to_string(),
            partner_id: row.partner_id.0,
            partner_unique_key: row.partner_unique_key.clone(),
            case_code: row.case_code.clone(),
            status: row.status.map(|status| status.name().to_owned()),
            e_policy_ready: row.e_policy_ready,
            abnormal: row.abnormal,
            reissued_from: row.reissued_from.as_ref().map(InsureNum::to_string),
            reissued_to: row.reissued_to.as_ref().map(InsureNum::to_string),
        }
    }
}

impl Payment {
    pub fn of(num: &InsureNum, key: &FactKey, row: &PaymentRow) -> Self {
        Self {
            insure_num: num.to_string(),
            fact: key.0.clone(),
            success: row.success,
            price_fen: row.price_fen,
            gateway: row.gateway,
            pay_time: row.pay_time,
            fail_msg: row.fail_msg.clone(),
            new_money: row.new_money,
        }
    }
}

impl Policy {
    pub fn of(num: &InsureNum, key: &InsureNum, row: &PolicyRow) -> Self {
        Self {
            insure_num: num.to_string(),
            policy_num: key.to_string(),
            product_id: row.product_id,
            product_name: row.product_name.clone(),
            plan_id: row.plan_id,
            plan_name: row.plan_name.clone(),
            applicant: row.applicant.clone(),
            start_date: row.start_date,
            end_date: row.end_date,
            cancelled: row.cancelled,
        }
    }
}

impl InsuredPerson {
    pub fn of(num: &InsureNum, key: &PersonKey, row: &PersonRow) -> Self {
        Self {
            insure_num: num.to_string(),
            policy_num: key.policy_num.to_string(),
            name: key.name.clone(),
            cancelled: row.cancelled,
        }
    }
}

impl Cancellation {
    pub fn of(num: &InsureNum, key: &FactKey, row: &CancellationRow) -> Self {
        Self {
            insure_num: num.to_string(),
            fact: key.0.clone(),
            notify_type: row.notify_type,
            success: row.success,
            insurants: row.insurants.clone(),
            new_insure_num: row.new_insure_num.as_ref().map(InsureNum::to_string),
            cancel_msg: row.cancel_msg.clone(),
            fail_msg: row.fail_msg.clone(),
        }
    }
}

impl Endorsement {
    pub fn of(num: &InsureNum, key: &LogKey, row: &EndorsementRow) -> Self {
        Self {
            insure_num: num.to_string(),
            digest: key.digest.to_string(),
            occurrence: key.occurrence,
            status: row.status,
            success: row.success,
            msg: row.msg.clone(),
            remark: row.remark.clone(),
        }
    }
}

impl Abnormality {
    pub fn of(num: &InsureNum, key: &LogKey, row: &AbnormalityRow) -> Self {
        Self {
            insure_num: num.to_string(),
            digest: key.digest.to_string(),
            occurrence: key.occurrence,
            fail_msg: row.fail_msg.clone(),
        }
    }
}
