//! One notice as lines of the page: its content, when it came, its outcome.

use chrono::{DateTime, NaiveDate, Utc};
use xiebao_core::facts::{Cancellation, Endorsement, Fact, IssuedPolicy, Notice, Payment};
use xiebao_core::id::InsureNum;

use crate::screen::{beijing, plain, platform_time, yuan};
use crate::story::also::Also;
use crate::story::chapter::{Chapter, Ignored};
use crate::story::family::Member;
use crate::story::pruned::Emptied;
use crate::words::{Label, Wait, Words};

/// An applied notice.
pub fn applied(chapter: &Chapter<'_>, words: &dyn Words) -> Vec<String> {
    let mut lines = title_and_content(chapter, words);
    let waited = chapter
        .hold
        .zip(chapter.applied_at)
        .map(|(hold, at)| at - hold.at);
    let went = chapter
        .went
        .and_then(|going| words.went(going, waited, &chapter.waits_for));
    let mut clauses = vec![words.received(&chapter.received)];
    clauses.extend(went);
    lines.push(words.clauses(&clauses));
    lines.extend(chapter.voided.as_ref().map(|voided| {
        words.voided_since(&beijing(voided.at), &plain(&voided.actor), &plain(&voided.reason))
    }));
    lines
}

/// A notice that waits.
pub fn held(chapter: &Chapter<'_>, now: DateTime<Utc>, words: &dyn Words) -> Vec<String> {
    let mut lines = title_and_content(chapter, words);
    lines.push(words.received(&chapter.received));
    if let (Some(hold), Some(at_timeout)) = (chapter.hold, chapter.at_timeout) {
        lines.push(words.waits(&Wait {
            since: hold.at,
            until: hold.until,
            waits_for: &chapter.waits_for,
            at_timeout,
            now,
        }));
    }
    lines
}

/// A notice that was kept without being applied.
pub fn ignored(ignored: &Ignored, words: &dyn Words) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {}",
        words.notice(Some(ignored.notify_type)),
        words.ignored(ignored.notify_type)
    )];
    if let Some(notice) = &ignored.notice {
        lines.extend(content(notice, words));
    }
    lines.extend(ignored.also.iter().map(|also| statement(also, words)));
    lines.push(words.received(&ignored.received));
    lines.extend(ignored.pruned_at.map(|at| words.pruned_at(at)));
    lines
}

/// A notice whose body is gone.
pub fn emptied(emptied: &Emptied<'_>, words: &dyn Words) -> Vec<String> {
    vec![
        words.notice(Some(emptied.notify_type)),
        words.clauses(&[
            words.received(&emptied.received),
            words.pruned_at(emptied.pruned_at),
        ]),
    ]
}

/// A proposal of a family, with its status.
pub fn member(member: &Member, own: &InsureNum, words: &dyn Words) -> String {
    let number = plain(member.insure_num.as_str());
    if member.insure_num == *own {
        return format!("{number} [{}]", words.label(Label::ThisOne));
    }
    match member.status {
        Some(status) => format!("{number} [{}]", words.status(status)),
        None => number,
    }
}

fn title_and_content(chapter: &Chapter<'_>, words: &dyn Words) -> Vec<String> {
    let notice = &chapter.entry.notice;
    let mut title = words.notice(Some(chapter.notify_type));
    if !matches!(notice.fact, Fact::Abnormality(_)) {
        title = format!("{title}  {}", words.outcome(notice.success));
    }
    let mut lines = vec![title];
    lines.extend(content(notice, words));
    lines.extend(chapter.also.iter().map(|also| statement(also, words)));
    lines
}

fn content(notice: &Notice, words: &dyn Words) -> Vec<String> {
    match &notice.fact {
        Fact::Insured | Fact::EPolicy => vec![],
        Fact::Paid(payment) => paid(payment, words),
        Fact::Issued(policies) => policies.iter().flat_map(|policy| issued(policy, words)).collect(),
        Fact::Cancelled(cancellation) => cancelled(cancellation, notice.success, words),
        Fact::Reissued(cancellation) => reissued(cancellation, words),
        Fact::Endorsement(endorsement) => endorsed(endorsement, words),
        Fact::Abnormality(abnormality) => labelled(Label::FailReason, &abnormality.fail_msg, words),
    }
}

fn paid(payment: &Payment, words: &dyn Words) -> Vec<String> {
    let mut parts = Vec::new();
    parts.extend(payment.price.map(yuan));
    parts.extend(payment.gateway.map(|code| gateway(code, words)));
    let time = payment.pay_time.map(platform_time);
    parts.extend(time.map(|time| words.pair(words.label(Label::PayTime), &time)));
    if !payment.moves_money() {
        parts.push(words.label(Label::NoNewMoney).to_owned());
    }
    let mut lines = if parts.is_empty() {
        vec![]
    } else {
        vec![parts.join("  ")]
    };
    lines.extend(labelled(Label::FailReason, &payment.fail_msg, words));
    lines
}

/// The name of a payment gateway, or its number.
pub fn gateway(code: i64, words: &dyn Words) -> String {
    match words.gateway(code) {
        Some(name) => name.to_owned(),
        None => format!("{} {code}", words.label(Label::Gateway)),
    }
}

fn issued(policy: &IssuedPolicy, words: &dyn Words) -> Vec<String> {
    let mut parts = vec![
        words.label(Label::Policy).to_owned(),
        plain(policy.policy_num.as_str()),
    ];
    parts.extend(product(
        policy.stated.product_name.as_deref(),
        policy.stated.plan_name.as_deref(),
    ));
    parts.extend(cover(policy.stated.start_date, policy.stated.end_date));
    let mut persons = labelled(Label::Applicant, &policy.stated.applicant, words);
    let names: Vec<String> = policy.persons.iter().map(|name| plain(name)).collect();
    if !names.is_empty() {
        persons.push(words.pair(words.label(Label::InsuredPersons), &words.list(&names)));
    }
    let mut lines = vec![parts.join("  ")];
    if !persons.is_empty() {
        lines.push(format!("  {}", persons.join("  ")));
    }
    lines
}

/// Product and plan, as `product / plan`.
pub fn product(product: Option<&str>, plan: Option<&str>) -> Option<String> {
    let stated: Vec<String> = [product, plan].into_iter().flatten().map(plain).collect();
    (!stated.is_empty()).then(|| stated.join(" / "))
}

/// First and last day.
pub fn cover(start: Option<NaiveDate>, end: Option<NaiveDate>) -> Option<String> {
    let day = |date: Option<NaiveDate>| date.map_or_else(|| "?".to_owned(), |date| date.to_string());
    (start.is_some() || end.is_some()).then(|| format!("{} ~ {}", day(start), day(end)))
}

fn cancelled(cancellation: &Cancellation, success: bool, words: &dyn Words) -> Vec<String> {
    let mut lines = persons_who_leave(cancellation, words);
    if lines.is_empty() && success {
        lines.push(words.label(Label::WholeProposal).to_owned());
    }
    lines.extend(labelled(Label::CancelReason, &cancellation.cancel_msg, words));
    lines.extend(labelled(Label::FailReason, &cancellation.fail_msg, words));
    lines
}

fn reissued(cancellation: &Cancellation, words: &dyn Words) -> Vec<String> {
    let new = cancellation.new_insure_num.as_ref().map(InsureNum::to_string);
    let mut lines = labelled(Label::NewProposal, &new, words);
    lines.extend(persons_who_leave(cancellation, words));
    lines.extend(labelled(Label::CancelReason, &cancellation.cancel_msg, words));
    lines.extend(labelled(Label::FailReason, &cancellation.fail_msg, words));
    lines
}

fn persons_who_leave(cancellation: &Cancellation, words: &dyn Words) -> Vec<String> {
    let names: Vec<String> = cancellation.insurants.iter().map(|name| plain(name)).collect();
    if names.is_empty() {
        return vec![];
    }
    vec![words.pair(words.label(Label::Leaving), &words.list(&names))]
}

fn endorsed(endorsement: &Endorsement, words: &dyn Words) -> Vec<String> {
    let status = match words.endorsement(endorsement.status) {
        Some(name) => format!("{name} ({})", endorsement.status),
        None => endorsement.status.to_string(),
    };
    let mut lines = labelled(Label::EndorsementStatus, &Some(status), words);
    lines.extend(labelled(Label::Message, &endorsement.msg, words));
    lines.extend(labelled(Label::Remark, &endorsement.remark, words));
    lines
}

fn labelled(label: Label, value: &Option<String>, words: &dyn Words) -> Vec<String> {
    value
        .iter()
        .map(|text| words.pair(words.label(label), &plain(text)))
        .collect()
}

fn statement(also: &Also, words: &dyn Words) -> String {
    match also {
        Also::FailMsg(text) => words.pair(words.label(Label::FailReason), &plain(text)),
        Also::OtherInfo(text) => words.pair(words.label(Label::OtherInfo), &plain(text)),
        Also::Stated { key, value } => words.pair(&plain(key), &plain(value)),
    }
}
