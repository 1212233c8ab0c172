//! The story of one proposal, as data: from its ledger and what else is stored of it, without a database or a clock.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_core::facts::{Fact, Notice};
use xiebao_core::id::{Digest, InsureNum, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Entry, Hold, Ledger, Place, Receipts};
use xiebao_core::lifecycle::Status;
use xiebao_core::rows::{self, Disagreement, PaymentRow, PolicyRow, ProposalRow, Rows};
use xiebao_core::rules::{OnTimeout, Rules};
use xiebao_core::sequencing;
use xiebao_worker::store::dead_letters::DeadLetter;
use xiebao_worker::store::notices::NoticeRow;
use xiebao_worker::store::operations::Operation;

use super::also::{self, Also};
use super::family::Family;
use super::missing::{self, Missing};
use super::pruned::{self, Emptied};
use super::voided::Voided;
use crate::dead::letter::Letter;
use crate::operations::deed::Deed;

/// What is known of a proposal.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'l> {
    pub ledger: &'l Ledger,
    /// What the tables hold, if the notices say nothing any more.
    pub tables: Option<&'l Rows>,
    /// All rows of the inbox; only the ignored ones are looked at.
    pub inbox: &'l [NoticeRow],
    pub dead: &'l [DeadLetter],
    /// What was done by hand, oldest first.
    pub operations: &'l [Operation],
    pub rules: &'l Rules,
    pub now: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct Story<'l> {
    pub insure_num: &'l InsureNum,
    pub partner_id: Option<PartnerId>,
    #[serde(skip)]
    pub standing: Standing,
    /// As the table `proposals` has it.
    pub proposal: Option<ProposalRow>,
    pub reissues: Family,
    /// In the order of applying.
    pub applied: Vec<Chapter<'l>>,
    /// Those first that are due first.
    pub held: Vec<Chapter<'l>>,
    /// Applied ones whose bodies are gone; then there are no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Emptied<'l>>,
    pub not_come_yet: Vec<Missing>,
    pub ignored: Vec<Ignored>,
    pub dead_letters: Vec<Letter>,
    /// What people did, oldest first.
    pub operations: Vec<Deed>,
    pub disagreements: Vec<Disagreement>,
    pub payments: Vec<PaymentRow>,
    pub policies: Vec<Policy>,
    pub possible: Vec<Possibility>,
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// How far it is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Has(Status),
    /// Notices were applied, but none that says how far it is.
    Undecided,
    /// Everything that came waits.
    OnlyHeld,
    /// Another proposal names it as its successor; nothing of its own came.
    OnlyLink,
    OnlyDead,
    OnlyIgnored,
    /// Nothing at all was ever heard of it.
    Unknown,
}

/// A notice, and what became of it.
#[derive(Debug, Serialize)]
pub struct Chapter<'l> {
    #[serde(skip)]
    pub entry: &'l Entry,
    pub seq: Option<i64>,
    pub notify_type: NotifyType,
    pub step: Step,
    pub success: bool,
    pub digest: &'l Digest,
    pub occurrence: i32,
    pub received: Receipts,
    pub hold: Option<Hold>,
    pub applied_at: Option<DateTime<Utc>>,
    /// How it was applied; `None`: it is held.
    pub went: Option<Going>,
    /// The steps that it waits for, or was applied without and that are still to come.
    pub waits_for: Vec<Step>,
    /// What happens to a held notice when its wait ends.
    pub at_timeout: Option<OnTimeout>,
    /// A person has taken it out of the facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voided: Option<Voided>,
    pub data: Box<RawValue>,
    #[serde(skip)]
    pub also: Vec<Also>,
}

/// How a notice came to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    AtOnce,
    /// After waiting, when what it waited for had come.
    InOrder,
    TimedOut,
    /// A person let it go.
    ByHand,
}

/// A notice that was kept without being applied.
#[derive(Debug, Serialize)]
pub struct Ignored {
    pub notify_type: NotifyType,
    pub digest: String,
    pub received: Receipts,
    pub data: Box<RawValue>,
    /// Its body was emptied then, because of its age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub notice: Option<Notice>,
    #[serde(skip)]
    pub also: Vec<Also>,
}

#[derive(Debug, Serialize)]
pub struct Policy {
    pub policy_num: InsureNum,
    #[serde(flatten)]
    pub row: PolicyRow,
    pub insured_persons: Vec<Person>,
}

#[derive(Debug, Serialize)]
pub struct Person {
    pub name: String,
    pub cancelled: bool,
}

/// What a notice makes possible at the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Possibility {
    FetchEPolicy,
    FetchEndorsementFile,
}

impl<'l> Story<'l> {
    pub fn tell(sources: Sources<'l>, reissues: Family) -> Self {
        let Sources {
            ledger, rules, now, ..
        } = sources;
        let rows = sources.tables.cloned().unwrap_or_else(|| Rows::of(ledger));
        let chapter = |entry| Chapter {
            voided: Voided::find(entry, sources.operations),
            ..Chapter::of(entry, ledger, rules)
        };
        let mut applied: Vec<Chapter<'l>> = ledger.applied().map(chapter).collect();
        applied.sort_by_key(|chapter| chapter.seq);
        let mut held: Vec<Chapter<'l>> = ledger.held().map(chapter).collect();
        held.sort_by_key(|chapter| (chapter.hold.map(|hold| hold.until), rules.rank(chapter.step)));
        Self {
            insure_num: &ledger.insure_num,
            partner_id: ledger.partner(),
            standing: standing(&sources, &rows),
            reissues,
            applied,
            held,
            pruned: pruned::of(ledger),
            not_come_yet: missing::of(&sources),
            ignored: ignored(sources.inbox),
            dead_letters: sources.dead.iter().map(Letter::of).collect(),
            operations: sources.operations.iter().cloned().map(Deed::of).collect(),
            disagreements: rows::disagreements(ledger),
            policies: policies(&rows),
            possible: possibilities(ledger, &rows),
            payments: rows.payments.into_values().collect(),
            proposal: rows.proposal.into_values().next(),
            now,
        }
    }
}

fn standing(sources: &Sources<'_>, rows: &Rows) -> Standing {
    let ledger = sources.ledger;
    match rows.proposal.get(&()).and_then(|row| row.status) {
        Some(status) => Standing::Has(status),
        None if ledger.applied().next().is_some() || ledger.is_pruned() => Standing::Undecided,
        None if ledger.held().next().is_some() => Standing::OnlyHeld,
        None if !ledger.links.is_empty() => Standing::OnlyLink,
        None if !sources.dead.is_empty() => Standing::OnlyDead,
        None if !ledger.ignored.is_empty() => Standing::OnlyIgnored,
        None => Standing::Unknown,
    }
}

impl<'l> Chapter<'l> {
    fn of(entry: &'l Entry, ledger: &Ledger, rules: &Rules) -> Self {
        let (seq, applied_at) = match entry.place {
            Place::Applied { seq, at } => (Some(seq), Some(at)),
            Place::Held => (None, None),
        };
        let notice = &entry.notice;
        let waits = entry.is_held() || entry.out_of_order;
        let missing = if waits {
            sequencing::missing(ledger, notice.step, rules).iter().collect()
        } else {
            vec![]
        };
        let (data, also) = also::read(&entry.raw);
        Self {
            seq,
            notify_type: notice.step.notify_type(),
            step: notice.step,
            success: notice.success,
            digest: &notice.digest,
            occurrence: entry.occurrence,
            received: entry.receipts,
            hold: entry.hold,
            applied_at,
            went: applied_at.map(|at| going(entry, at)),
            waits_for: missing,
            at_timeout: entry.is_held().then(|| rules.on_timeout(notice.step)),
            voided: None,
            data,
            also,
            entry,
        }
    }
}

/// Only a person lets a notice go before its wait has ended.
fn going(entry: &Entry, applied_at: DateTime<Utc>) -> Going {
    match (entry.out_of_order, entry.hold) {
        (false, None) => Going::AtOnce,
        (false, Some(_)) => Going::InOrder,
        (true, Some(hold)) if applied_at < hold.until => Going::ByHand,
        (true, _) => Going::TimedOut,
    }
}

fn ignored(inbox: &[NoticeRow]) -> Vec<Ignored> {
    let rows = inbox.iter().filter(|row| row.outcome == "ignored");
    let mut ignored: Vec<Ignored> = rows.map(Ignored::of).collect();
    ignored.sort_by_key(|notice| notice.received.first);
    ignored
}

impl Ignored {
    fn of(row: &NoticeRow) -> Self {
        let raw = bytes::Bytes::copy_from_slice(&row.raw);
        let (data, also) = also::read(&raw);
        Self {
            notify_type: NotifyType(row.notify_type),
            digest: row.digest.clone(),
            received: Receipts {
                first: row.received_at.and_utc(),
                last: row.last_received_at.and_utc(),
                count: row.deliveries,
            },
            data,
            pruned_at: row.pruned_at.map(|at| at.and_utc()),
            notice: Notice::read(&raw).ok(),
            also,
        }
    }
}

fn policies(rows: &Rows) -> Vec<Policy> {
    let policy = |(policy_num, row): (&InsureNum, &PolicyRow)| {
        let persons = rows
            .insured_persons
            .iter()
            .filter(|(key, _)| key.policy_num == *policy_num);
        let person = |(key, row): (&rows::PersonKey, &rows::PersonRow)| Person {
            name: key.name.clone(),
            cancelled: row.cancelled,
        };
        Policy {
            policy_num: policy_num.clone(),
            row: row.clone(),
            insured_persons: persons.map(person).collect(),
        }
    };
    rows.policies.iter().map(policy).collect()
}

fn possibilities(ledger: &Ledger, rows: &Rows) -> Vec<Possibility> {
    /// 批改成功
    const ENDORSED: i64 = 4;
    let any = |fits: fn(&Fact) -> bool| {
        ledger
            .counted()
            .any(|entry| entry.notice.success && fits(&entry.notice.fact))
    };
    let mut possible = Vec::new();
    if rows.proposal.values().any(|row| row.e_policy_ready) {
        possible.push(Possibility::FetchEPolicy);
    }
    if any(|fact| matches!(fact, Fact::Endorsement(endorsement) if endorsement.status == ENDORSED)) {
        possible.push(Possibility::FetchEndorsementFile);
    }
    possible
}
