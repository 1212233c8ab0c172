//! The payments and policies of the proposal, as lines of the page.

use xiebao_core::rows::PaymentRow;

use super::notices;
use crate::screen::{plain, platform_time, yuan};
use crate::story::{Policy, Story};
use crate::words::{Label, Words};

/// One line per payment, and one or two per policy.
pub fn of(story: &Story<'_>, words: &dyn Words) -> Vec<String> {
    let payments = story.payments.iter().map(|row| payment(row, words));
    let policies = story.policies.iter().flat_map(|row| policy(row, words));
    payments.chain(policies).collect()
}

fn payment(row: &PaymentRow, words: &dyn Words) -> String {
    let mut parts = vec![words.outcome(row.success).to_owned()];
    parts.extend(row.price_fen.map(yuan));
    parts.extend(row.gateway.map(|code| notices::gateway(code, words)));
    parts.extend(row.pay_time.map(platform_time));
    if !row.new_money {
        parts.push(words.label(Label::NoNewMoney).to_owned());
    }
    parts.extend(
        row.fail_msg
            .as_ref()
            .map(|text| words.pair(words.label(Label::FailReason), &plain(text))),
    );
    format!("{}  {}", words.label(Label::Payment), parts.join("  "))
}

fn policy(policy: &Policy, words: &dyn Words) -> Vec<String> {
    let row = &policy.row;
    let mut parts = vec![
        words.label(Label::Policy).to_owned(),
        plain(policy.policy_num.as_str()),
    ];
    parts.extend(notices::product(
        row.product_name.as_deref(),
        row.plan_name.as_deref(),
    ));
    parts.extend(notices::cover(row.start_date, row.end_date));
    if row.cancelled {
        parts.push(words.label(Label::Cancelled).to_owned());
    }
    let mut lines = vec![parts.join("  ")];
    let mut persons = Vec::new();
    persons.extend(
        row.applicant
            .as_ref()
            .map(|name| words.pair(words.label(Label::Applicant), &plain(name))),
    );
    let named = policy.insured_persons.iter().map(|person| {
        let left = if person.cancelled {
            format!(" [{}]", words.label(Label::Left))
        } else {
            String::new()
        };
        format!("{}{left}", plain(&person.name))
    });
    let named: Vec<String> = named.collect();
    if !named.is_empty() {
        persons.push(words.pair(words.label(Label::InsuredPersons), &words.list(&named)));
    }
    if !persons.is_empty() {
        lines.push(format!("  {}", persons.join("  ")));
    }
    lines
}
