//! The story of one proposal, as data: told from its ledger and other rows, without a database or a clock.

pub mod also;
pub mod chapter;
pub mod family;
pub mod missing;
pub mod pruned;
pub mod voided;

use chrono::{DateTime, Utc};
use serde::Serialize;
use xiebao_core::facts::Fact;
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_core::rows::{self, Disagreement, PaymentRow, PolicyRow, ProposalRow, Rows, UnmatchedRow};
use xiebao_core::rules::Rules;
use xiebao_store::sql::dead_letters::DeadLetter;
use xiebao_store::sql::notices::NoticeRow;
use xiebao_store::sql::operations::Operation;

use crate::letter::Letter;
use crate::operation::LoggedOperation;
use chapter::{Chapter, Ignored};
use family::Family;
use missing::Missing;
use pruned::Emptied;
use voided::Voided;

/// The stored data of a proposal.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'l> {
    /// Its notices.
    pub ledger: &'l Ledger,
    /// Its business rows, if the bodies of its notices are gone.
    pub tables: Option<&'l Rows>,
    /// Its rows of the inbox; only the ignored ones are used.
    pub inbox: &'l [NoticeRow],
    /// Its dead letters.
    pub dead: &'l [DeadLetter],
    /// The operations on it, oldest first.
    pub operations: &'l [Operation],
    /// The rules of the workers.
    pub rules: &'l Rules,
    /// The time.
    pub now: DateTime<Utc>,
}

/// The story of a proposal.
#[derive(Debug, Serialize)]
pub struct Story<'l> {
    /// Its number.
    pub insure_num: &'l InsureNum,
    /// Its partner.
    pub partner_id: Option<PartnerId>,
    /// How far it is, in one word.
    #[serde(skip)]
    pub standing: Standing,
    /// Its row of `proposals`.
    pub proposal: Option<ProposalRow>,
    /// The proposals that replace it, or that it replaces.
    pub reissues: Family,
    /// The applied notices, in the order of their application.
    pub applied: Vec<Chapter<'l>>,
    /// The waiting notices, in step order.
    pub held: Vec<Chapter<'l>>,
    /// Applied notices whose bodies are gone. A proposal that has them has no other applied notices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Emptied<'l>>,
    /// The notices that have not come yet.
    pub not_come_yet: Vec<Missing>,
    /// The notices that were kept without being applied.
    pub ignored: Vec<Ignored>,
    /// Its dead letters.
    pub dead_letters: Vec<Letter>,
    /// The operations on it, oldest first.
    pub operations: Vec<LoggedOperation>,
    /// Where issue notices disagree.
    pub disagreements: Vec<Disagreement>,
    /// The persons whom a cancellation names and no policy insures, by cancellation.
    pub unmatched_persons: Vec<Vec<String>>,
    /// Its rows of `payments`.
    pub payments: Vec<PaymentRow>,
    /// Its rows of `policies`.
    pub policies: Vec<Policy>,
    /// The files that can be fetched from the platform.
    pub possible: Vec<Possibility>,
    /// When the story is told.
    #[serde(skip)]
    pub now: DateTime<Utc>,
}

/// How far a proposal is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has a status.
    Has(Status),
    /// Notices were applied, but none determines a status.
    Undecided,
    /// All its notices wait.
    OnlyHeld,
    /// Another proposal names it as its successor; it has no notice of its own.
    OnlyLink,
    /// All its notices are dead letters.
    OnlyDead,
    /// All its notices were ignored.
    OnlyIgnored,
    /// There is no trace of it.
    Unknown,
}

/// A row of `policies`, with its insured persons.
#[derive(Debug, Serialize)]
pub struct Policy {
    /// Its number.
    pub policy_num: InsureNum,
    /// The row.
    #[serde(flatten)]
    pub row: PolicyRow,
    /// Its insured persons.
    pub insured_persons: Vec<Person>,
}

/// An insured person.
#[derive(Debug, Serialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The person has left the policy.
    pub cancelled: bool,
}

/// A file that can be fetched from the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Possibility {
    /// The e-policy.
    FetchEPolicy,
    /// The file of an endorsement.
    FetchEndorsementFile,
}

impl<'l> Story<'l> {
    /// Tells the story.
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
            operations: sources
                .operations
                .iter()
                .cloned()
                .map(LoggedOperation::of)
                .collect(),
            disagreements: rows::disagreements(ledger),
            unmatched_persons: rows
                .unmatched_persons
                .values()
                .map(UnmatchedRow::persons)
                .collect(),
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
    /// 批改成功: the endorsement succeeded.
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
