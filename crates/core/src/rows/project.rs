use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{CancellationRow, FactKey, PaymentRow, ProposalRow, Rows};
use crate::facts::{Cancellation, Fact, IssuedPolicy, Notice, Payment};
use crate::id::Step;
use crate::ledger::{Entry, Ledger};
use crate::names::comparable;

impl Rows {
    /// The rows that follow from the applied notices and the links. Neither the order of entries nor the order of applying matters.
    /// If two issue notices disagree about a policy, the notice received later wins.
    pub fn of(ledger: &Ledger) -> Self {
        let mut rows = Self::default();
        for entry in ledger.counted() {
            rows.add(&entry.notice);
        }
        rows.add_logs(ledger);
        rows.add_policies(ledger);
        rows.add_proposal(ledger);
        rows
    }

    fn add(&mut self, notice: &Notice) {
        match &notice.fact {
            Fact::Insured | Fact::EPolicy | Fact::Issued(_) | Fact::Endorsement(_) | Fact::Abnormality(_) => {
            }
            Fact::Paid(payment) => self.add_payment(notice, payment),
            Fact::Cancelled(cancellation) | Fact::Reissued(cancellation) => {
                self.add_cancellation(notice, cancellation);
            }
        }
        if let Some(new) = notice.reissued_to() {
            self.reissues.insert(new.clone(), notice.partner_id);
        }
    }

    fn add_payment(&mut self, notice: &Notice, payment: &Payment) {
        let key = fact_key(serde_json::json!([
            notice.success,
            payment.pay_time.map(|time| time.to_string()),
            payment.price,
            payment.gateway
        ]));
        let row = self.payments.entry(key).or_insert_with(|| PaymentRow {
            success: notice.success,
            price_fen: payment.price,
            gateway: payment.gateway,
            pay_time: payment.pay_time,
            fail_msg: None,
            new_money: payment.moves_money(),
        });
        keep_greatest(&mut row.fail_msg, &payment.fail_msg);
    }

    fn add_cancellation(&mut self, notice: &Notice, cancellation: &Cancellation) {
        let notify_type = notice.step.notify_type().0;
        let key = cancellation_key(notice, cancellation);
        let row = self.cancellations.entry(key).or_insert_with(|| CancellationRow {
            notify_type,
            success: notice.success,
            insurants: None,
            new_insure_num: cancellation.new_insure_num.clone(),
            cancel_msg: None,
            fail_msg: None,
        });
        keep_greatest(&mut row.insurants, &cancellation.insurants_json());
        keep_greatest(&mut row.cancel_msg, &cancellation.cancel_msg);
        keep_greatest(&mut row.fail_msg, &cancellation.fail_msg);
    }

    fn add_proposal(&mut self, ledger: &Ledger) {
        let reissued_from = ledger.valid_links().map(|link| link.reissued_from.clone()).max();
        let Some(partner_id) = ledger.partner() else {
            return;
        };
        if reissued_from.is_none() && ledger.counted().next().is_none() {
            return;
        }
        let facts = ledger.facts();
        let row = ProposalRow {
            partner_id,
            partner_unique_key: lowest_statement(ledger, |notice| notice.partner_unique_key.as_ref()),
            case_code: lowest_statement(ledger, |notice| notice.case_code.as_ref()),
            status: facts.status(),
            e_policy_ready: facts.succeeded.contains(Step::EPolicy),
            abnormal: facts.succeeded.contains(Step::Abnormality),
            reissued_from,
            reissued_to: self.reissues.keys().max().cloned(),
        };
        self.proposals.insert((), row);
    }
}

/// The policies of the successful issue notices, earliest received first.
pub(super) fn issued_policies(ledger: &Ledger) -> Vec<&IssuedPolicy> {
    let mut issues: Vec<(&Entry, &Vec<IssuedPolicy>)> = ledger
        .counted()
        .filter(|entry| entry.notice.success)
        .filter_map(|entry| match &entry.notice.fact {
            Fact::Issued(policies) => Some((entry, policies)),
            _ => None,
        })
        .collect();
    issues.sort_by_key(|(entry, _)| (entry.deliveries.first, entry.notice.digest.as_str()));
    issues.into_iter().flat_map(|(_, policies)| policies).collect()
}

/// The value that the notices of the lowest type state; the bytewise greatest if they state several.
fn lowest_statement<'l>(
    ledger: &'l Ledger,
    stated: impl Fn(&'l Notice) -> Option<&'l String>,
) -> Option<String> {
    let mut best: Option<(i64, &String)> = None;
    for notice in ledger.counted().map(|entry| &entry.notice) {
        let Some(value) = stated(notice) else { continue };
        let candidate = (notice.step.notify_type().0, value);
        best = Some(match best {
            Some(known) if known.0 < candidate.0 => known,
            Some(known) if known.0 == candidate.0 && known.1 >= candidate.1 => known,
            _ => candidate,
        });
    }
    best.map(|(_, value)| value.clone())
}

fn keep_greatest(slot: &mut Option<String>, stated: &Option<String>) {
    if *slot < *stated {
        slot.clone_from(stated);
    }
}

/// Persons count in the form in which names are compared: two spellings are one cancellation.
pub(super) fn cancellation_key(notice: &Notice, cancellation: &Cancellation) -> FactKey {
    let persons: BTreeSet<_> = cancellation
        .insurants
        .iter()
        .map(|name| comparable(name))
        .collect();
    fact_key(serde_json::json!([
        notice.step.notify_type().0,
        notice.success,
        persons,
        cancellation.new_insure_num
    ]))
}

/// Hashes the JSON array `identity`. Its text must never change, because the keys of stored rows depend on it.
fn fact_key(identity: serde_json::Value) -> FactKey {
    let hash = Sha256::digest(identity.to_string());
    FactKey(hex::encode(&hash[..16]))
}
