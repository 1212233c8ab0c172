use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{CancellationRow, FactKey, PaymentRow, PersonKey, PersonRow, ProposalRow, Rows};
use crate::facts::{Cancellation, Fact, IssuedPolicy, Notice, Payment};
use crate::id::{InsureNum, Step};
use crate::ledger::{Entry, Ledger};

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
        let key = fact_key(serde_json::json!([
            notify_type,
            notice.success,
            cancellation.insurants,
            cancellation.new_insure_num
        ]));
        let row = self.cancellations.entry(key).or_insert_with(|| CancellationRow {
            notify_type,
            success: notice.success,
            insurants: cancellation.insurants_json(),
            new_insure_num: cancellation.new_insure_num.clone(),
            cancel_msg: None,
            fail_msg: None,
        });
        keep_greatest(&mut row.cancel_msg, &cancellation.cancel_msg);
        keep_greatest(&mut row.fail_msg, &cancellation.fail_msg);
    }

    fn add_policies(&mut self, ledger: &Ledger) {
        let facts = ledger.facts();
        let cancelled = facts.cancelled_in_full || facts.succeeded.contains(Step::Reissued);
        let gone = cancelled_names(ledger);
        let mut persons: BTreeMap<&InsureNum, &BTreeSet<String>> = BTreeMap::new();
        for issued in issued_policies(ledger) {
            let row = self.policies.entry(issued.policy_num.clone());
            let row = row
                .and_modify(|row| row.take_over(&issued.stated))
                .or_insert_with(|| issued.stated.clone());
            row.cancelled = cancelled;
            if !issued.persons.is_empty() {
                persons.insert(&issued.policy_num, &issued.persons);
            }
        }
        for (policy_num, names) in persons {
            for name in names {
                let key = PersonKey {
                    policy_num: policy_num.clone(),
                    name: name.clone(),
                };
                self.insured_persons.insert(
                    key,
                    PersonRow {
                        cancelled: gone.contains(name.as_str()),
                    },
                );
            }
        }
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

fn cancelled_names(ledger: &Ledger) -> BTreeSet<&str> {
    let successful = ledger
        .counted()
        .map(|entry| &entry.notice)
        .filter(|notice| notice.success);
    successful
        .filter_map(|notice| match &notice.fact {
            Fact::Cancelled(cancellation) | Fact::Reissued(cancellation) => Some(&cancellation.insurants),
            _ => None,
        })
        .flatten()
        .map(String::as_str)
        .collect()
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

/// Hashes the JSON array `identity`. Its text must never change, because the keys of stored rows depend on it.
fn fact_key(identity: serde_json::Value) -> FactKey {
    let hash = Sha256::digest(identity.to_string());
    FactKey(hex::encode(&hash[..16]))
}
