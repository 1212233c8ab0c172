//! The story of one proposal, as data: from its ledger and what else is stored of it, without a database or a clock.

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::facts::Fact;
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_core::rows::{self, Disagreement, PaymentRow, PolicyRow, ProposalRow, Rows};
use xiebao_core::rules::Rules;
use xiebao_store::sql::dead_letters::DeadLetter;
use xiebao_store::sql::notices::NoticeRow;
use xiebao_store::sql::operations::Operation;

use super::chapter::{self, Chapter, Ignored};
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
        held.sort_by_key(|chapter| (rules.rank(chapter.step), chapter.hold.map(|hold| hold.until)));
        Self {
            insure_num: &ledger.insure_num,
            partner_id: ledger.partner(),
            standing: standing(&sources, &rows),
            reissues,
            applied,
            held,
            pruned: pruned::of(ledger),
            not_come_yet: missing::of(&sources),
            ignored: chapter::ignored(sources.inbox),
            dead_letters: sources.dead.iter().map(Letter::of).collect(),
            operations: sources.operations.iter().cloned().map(Deed::of).collect(),
            disagreements: rows::disagreements(ledger),
            policies: policies(&rows),
            possible: possibilities(ledger, &rows),
            payments: rows.payments.into_values().collect(),
            proposal: rows.proposals.into_values().next(),
            now,
        }
    }
}

fn standing(sources: &Sources<'_>, rows: &Rows) -> Standing {
    let ledger = sources.ledger;
    match rows.proposals.get(&()).and_then(|row| row.status) {
        Some(status) => Standing::Has(status),
        None if ledger.applied().next().is_some() || ledger.is_pruned() => Standing::Undecided,
        None if ledger.held().next().is_some() => Standing::OnlyHeld,
        None if !ledger.links.is_empty() => Standing::OnlyLink,
        None if !sources.dead.is_empty() => Standing::OnlyDead,
        None if !ledger.ignored.is_empty() => Standing::OnlyIgnored,
        None => Standing::Unknown,
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
    if rows.proposals.values().any(|row| row.e_policy_ready) {
        possible.push(Possibility::FetchEPolicy);
    }
    if any(|fact| matches!(fact, Fact::Endorsement(endorsement) if endorsement.status == ENDORSED)) {
        possible.push(Possibility::FetchEndorsementFile);
    }
    possible
}
