//! The rows that a story must leave behind, in any order of its notices: "Facts and rows" of the contract, written
//! independently of the product.
//!
//! Nothing here may call the rules of the product, or a wrong rule could agree with itself.

use std::collections::BTreeMap;

use xiebao_core::id::{InsureNum, PartnerId};

use super::rows::{self, Rows};
use super::story::{Event, Notice, Story};

mod cancellations;
mod policies;

/// Payment gateways by which a reissue is "paid" by the cancelled proposal.
const NO_NEW_MONEY: [i64; 2] = [-3, -12];

type Holds = fn(&Event) -> bool;

/// The rows of all proposals of the story.
pub fn rows_of(story: &Story, partner: PartnerId) -> Rows {
    let mut rows = Rows::default();
    for insure_num in &story.proposals {
        let own: Vec<&Notice> = story
            .notices
            .iter()
            .filter(|notice| notice.insure_num == *insure_num && notice.event.is_documented())
            .collect();
        let view = View {
            insure_num,
            own,
            links: links(story),
        };
        view.add_rows(partner, &mut rows);
    }
    rows
}

/// Successful reissues: the cancelled proposal and the one in its stead.
fn links<'s>(story: &'s Story) -> Vec<(&'s InsureNum, &'s InsureNum)> {
    let link = |notice: &'s Notice| match &notice.event {
        Event::Reissued {
            cancellation,
            new_insure_num: Some(new),
        } if cancellation.outcome.success => Some((&notice.insure_num, new)),
        _ => None,
    };
    story.notices.iter().filter_map(link).collect()
}

/// One proposal: its own documented notices, and the story's links.
struct View<'s> {
    insure_num: &'s InsureNum,
    own: Vec<&'s Notice>,
    links: Vec<(&'s InsureNum, &'s InsureNum)>,
}

impl View<'_> {
    fn add_rows(&self, partner: PartnerId, rows: &mut Rows) {
        let linked = self.links.iter().any(|(_, new)| *new == self.insure_num);
        if self.own.is_empty() && !linked {
            return;
        }
        rows.proposals.push(self.proposal(partner));
        rows.payments.extend(self.payments());
        let policies = self.policies();
        let cancelled = self.whole_cancelled();
        rows.policies
            .extend(policies.values().map(|entry| self.policy(entry, cancelled)));
        rows.insured_persons
            .extend(policies.values().flat_map(|entry| self.persons(entry)));
        rows.cancellations.extend(self.cancellation_rows());
        rows.endorsements.extend(self.endorsements());
        rows.abnormalities.extend(self.abnormalities());
        if !cancelled {
            rows.unmatched_persons.extend(self.unmatched_persons(&policies));
        }
    }

    fn proposal(&self, partner: PartnerId) -> rows::Proposal {
        let text = |number: &InsureNum| number.as_str().to_owned();
        let is = |wanted: Holds| self.own.iter().any(|notice| wanted(&notice.event));
        let from = self
            .links
            .iter()
            .filter(|(_, new)| *new == self.insure_num)
            .map(|(old, _)| *old)
            .max();
        let to = self
            .links
            .iter()
            .filter(|(old, _)| *old == self.insure_num)
            .map(|(_, new)| *new)
            .max();
        rows::Proposal {
            insure_num: text(self.insure_num),
            partner_id: partner.0,
            partner_unique_key: self.first_stated(|notice| notice.partner_unique_key.as_ref()),
            case_code: self.first_stated(|notice| notice.case_code.as_ref()),
            status: self.status().map(str::to_owned),
            e_policy_ready: is(|event| matches!(event, Event::EPolicy(outcome) if outcome.success)),
            abnormal: is(|event| matches!(event, Event::Abnormal { .. })),
            reissued_from: from.map(text),
            reissued_to: to.map(text),
        }
    }

    /// From the lowest notice type that states it; of several values, the bytewise greatest.
    fn first_stated(&self, field: fn(&Notice) -> Option<&String>) -> Option<String> {
        let stated = self
            .own
            .iter()
            .filter_map(|n| Some((n.event.notify_type(), field(n)?)));
        let lowest = stated.clone().map(|(notify_type, _)| notify_type).min()?;
        stated
            .filter(|(notify_type, _)| *notify_type == lowest)
            .map(|(_, value)| value)
            .max()
            .cloned()
    }

    /// The first that holds.
    fn status(&self) -> Option<&'static str> {
        let ladder: [(&str, Holds); 9] = [
            (
                "reissued",
                |e| matches!(e, Event::Reissued { cancellation, .. } if cancellation.outcome.success),
            ),
            (
                "cancelled",
                |e| matches!(e, Event::Cancelled(c) if c.outcome.success && c.persons.is_empty()),
            ),
            (
                "partially_cancelled",
                |e| matches!(e, Event::Cancelled(c) if c.outcome.success),
            ),
            (
                "issued",
                |e| matches!(e, Event::Issued { outcome, .. } if outcome.success),
            ),
            ("issue_failed", |e| matches!(e, Event::Issued { .. })),
            (
                "paid",
                |e| matches!(e, Event::Paid(payment) if payment.outcome.success),
            ),
            ("pay_failed", |e| matches!(e, Event::Paid(_))),
            (
                "insured",
                |e| matches!(e, Event::Insured(outcome) if outcome.success),
            ),
            ("insure_failed", |e| matches!(e, Event::Insured(_))),
        ];
        ladder
            .into_iter()
            .find(|(_, holds)| self.own.iter().any(|n| holds(&n.event)))
            .map(|(name, _)| name)
    }

    /// One row a payment (outcome, price, gateway, time), however often and with whatever words it was reported.
    fn payments(&self) -> Vec<rows::Payment> {
        let mut payments: BTreeMap<_, rows::Payment> = BTreeMap::new();
        for payment in self.own.iter().filter_map(|notice| match &notice.event {
            Event::Paid(payment) => Some(payment),
            _ => None,
        }) {
            let success = payment.outcome.success;
            let identity = (success, payment.price_fen, payment.gateway, payment.pay_time);
            let row = payments.entry(identity).or_insert_with(|| rows::Payment {
                insure_num: self.insure_num.to_string(),
                success,
                price_fen: payment.price_fen,
                gateway: payment.gateway,
                pay_time: payment.pay_time,
                fail_msg: None,
                new_money: payment
                    .gateway
                    .is_none_or(|gateway| !NO_NEW_MONEY.contains(&gateway)),
            });
            keep_greatest(&mut row.fail_msg, payment.outcome.fail_msg.as_ref());
        }
        payments.into_values().collect()
    }

    fn endorsements(&self) -> impl Iterator<Item = rows::Endorsement> {
        self.own.iter().filter_map(|notice| match &notice.event {
            Event::Endorsed(endorsement) => Some(rows::Endorsement {
                insure_num: self.insure_num.to_string(),
                status: endorsement.status,
                success: endorsement.success,
                msg: endorsement.msg.clone(),
                remark: endorsement.remark.clone(),
            }),
            _ => None,
        })
    }

    fn abnormalities(&self) -> impl Iterator<Item = rows::Abnormality> {
        self.own.iter().filter_map(|notice| match &notice.event {
            Event::Abnormal { fail_msg } => Some(rows::Abnormality {
                insure_num: self.insure_num.to_string(),
                fail_msg: fail_msg.clone(),
            }),
            _ => None,
        })
    }
}

/// Bytewise, as Rust compares texts.
fn keep_greatest(kept: &mut Option<String>, stated: Option<&String>) {
    if stated > kept.as_ref() {
        *kept = stated.cloned();
    }
}

#[cfg(test)]
mod tests;
