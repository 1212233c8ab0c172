//! Waiting notices that a person lets go: they are applied at once, out of order.

use std::collections::BTreeMap;

use xiebao_core::id::{Digest, InsureNum, NotifyType};
use xiebao_core::ledger::{Entry, Ledger};
use xiebao_core::lifecycle::Status;
use xiebao_core::rules::Rules;
use xiebao_store::sql::notices;
use xiebao_store::sql::operations::{Action, NewOperation};
use xiebao_store::transaction::{self, Outcome, Plan, Release, Task};
use xiebao_store::{Connection, Store, StoreError, linking};

use crate::operation::Authority;
use crate::screen::{columns, short};
use crate::words::Words;

/// The notices to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseChoice {
    /// All that wait of this proposal.
    Proposal(InsureNum),
    /// All that wait of the proposal of this number, or else the one whose digest begins with it.
    Named(String),
}

/// The answer to [`release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// The choice fits no waiting notice.
    NothingHeld(ReleaseChoice),
    /// The digits fit several notices.
    Ambiguous {
        /// The digits.
        beginning: String,
        /// The proposals.
        proposals: Vec<String>,
    },
    /// A rehearsal: they would be applied.
    Foreseen {
        /// Their proposal.
        insure_num: InsureNum,
        /// Type and digest of each, in the order of applying.
        notices: Vec<(NotifyType, Digest)>,
    },
    /// They are applied.
    Done {
        /// Their proposal.
        insure_num: InsureNum,
        /// How many were let go.
        by_hand: usize,
        /// How many others followed, because they waited for these.
        followed: usize,
        /// How far the proposal is now.
        status: Option<Status>,
    },
}

/// Lets the chosen notices go, as a worker would under the lock of the proposal, and brings the links to the proposals that
/// replace it. A rehearsal only finds them.
pub async fn release(
    store: &Store,
    choice: ReleaseChoice,
    dry_run: bool,
    authority: Authority<'_>,
) -> Result<Released, StoreError> {
    let mut conn = store.connection().await?;
    let (insure_num, notices) = match find(&mut conn, &choice, authority.rules).await? {
        Found::Notices(insure_num, notices) => (insure_num, notices),
        Found::Several { beginning, proposals } => return Ok(Released::Ambiguous { beginning, proposals }),
        Found::Nothing => return Ok(Released::NothingHeld(choice)),
    };
    if dry_run {
        return Ok(Released::Foreseen { insure_num, notices });
    }
    let digests = notices.into_iter().map(|(_, digest)| digest).collect();
    let outcome = apply(store, &mut conn, &insure_num, digests, authority).await?;
    if outcome.let_go == 0 {
        return Ok(Released::NothingHeld(ReleaseChoice::Proposal(insure_num)));
    }
    let ledgers = transaction::load(&mut conn, std::iter::once(&insure_num)).await?;
    Ok(Released::Done {
        by_hand: outcome.let_go,
        followed: outcome.released + outcome.timed_out,
        status: ledgers
            .get(&insure_num)
            .and_then(|ledger| ledger.facts().status()),
        insure_num,
    })
}

/// The waiting notices that a choice names.
enum Found {
    Notices(InsureNum, Vec<(NotifyType, Digest)>),
    /// The digits fit notices of these proposals.
    Several {
        beginning: String,
        proposals: Vec<String>,
    },
    Nothing,
}

async fn find(conn: &mut Connection, choice: &ReleaseChoice, rules: &Rules) -> Result<Found, StoreError> {
    let (number, beginning) = match choice {
        ReleaseChoice::Proposal(number) => (Some(number.clone()), None),
        ReleaseChoice::Named(name) => (InsureNum::parse(name).ok().flatten(), Some(name)),
    };
    if let Some(number) = number {
        let held = held_of(conn, &number, rules).await?;
        if !held.is_empty() {
            return Ok(Found::Notices(number, held));
        }
    }
    let Some(beginning) = beginning.filter(|name| is_beginning_of_digest(name)) else {
        return Ok(Found::Nothing);
    };
    let rows = notices::held_by_digest(conn, &beginning.to_ascii_lowercase()).await?;
    let found: Vec<_> = rows
        .iter()
        .filter_map(|(number, digest)| identified(number, digest))
        .collect();
    let [(number, digest)] = &found[..] else {
        let proposals: Vec<String> = found.iter().map(|(number, _)| number.to_string()).collect();
        let beginning = beginning.clone();
        return Ok(match proposals.is_empty() {
            true => Found::Nothing,
            false => Found::Several { beginning, proposals },
        });
    };
    let mut held = held_of(conn, number, rules).await?;
    held.retain(|(_, held)| held == digest);
    held.truncate(1);
    Ok(Found::Notices(number.clone(), held))
}

/// Fewer digits fit too many.
fn is_beginning_of_digest(name: &str) -> bool {
    (6..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn identified(number: &str, digest: &str) -> Option<(InsureNum, Digest)> {
    Some((InsureNum::parse(number).ok().flatten()?, Digest::parse(digest)?))
}

/// The held notices of the proposal, in step order.
async fn held_of(
    conn: &mut Connection,
    number: &InsureNum,
    rules: &Rules,
) -> Result<Vec<(NotifyType, Digest)>, StoreError> {
    let mut ledgers = transaction::load(conn, std::iter::once(number)).await?;
    let ledger = ledgers
        .remove(number)
        .unwrap_or_else(|| Ledger::empty(number.clone()));
    let mut held: Vec<_> = ledger.held().collect();
    held.sort_by_key(|entry| (rules.rank(entry.notice.step), entry.deliveries.first));
    let named = |entry: &&Entry| (entry.notice.step.notify_type(), entry.notice.digest.clone());
    Ok(held.iter().map(named).collect())
}

async fn apply(
    store: &Store,
    conn: &mut Connection,
    number: &InsureNum,
    digests: Vec<Digest>,
    authority: Authority<'_>,
) -> Result<Outcome, StoreError> {
    let Authority { rules, actor, clock } = authority;
    let releases = digests.into_iter().map(|digest| {
        let mut operation = NewOperation::new(Action::ReleaseHeld, actor, clock());
        operation.insure_num = Some(number.to_string());
        operation.digest = Some(digest.to_string());
        Release { digest, operation }
    });
    let task = Task {
        releases: releases.collect(),
        ..Task::default()
    };
    let plan = Plan {
        tasks: BTreeMap::from([(number.clone(), task)]),
        ..Plan::default()
    };
    let mut outcome = transaction::run(conn, &plan, clock, rules).await?;
    // If this fails, the links stay in the outbox, and the sweeper of a worker delivers them.
    let _ = linking::deliver(store, rules, clock, std::mem::take(&mut outcome.links), |_| {}).await;
    Ok(outcome)
}

impl Released {
    /// The outcome as text.
    pub fn page(&self, words: &dyn Words) -> String {
        match self {
            Self::NothingHeld(ReleaseChoice::Proposal(number)) => words.not_held(number.as_str()),
            Self::NothingHeld(ReleaseChoice::Named(name)) => words.not_held(name),
            Self::Ambiguous { beginning, proposals } => words.ambiguous_digest(beginning, proposals),
            Self::Foreseen { insure_num, notices } => {
                let row = |(notify_type, digest): &(NotifyType, Digest)| {
                    [words.notice(Some(*notify_type)), short(digest.as_str())]
                };
                let rows: Vec<[String; 2]> = notices.iter().map(row).collect();
                let title = words.would_release(insure_num.as_str(), notices.len());
                format!("{title}{}", columns(2, &rows))
            }
            Self::Done {
                insure_num,
                by_hand,
                followed,
                status,
            } => {
                let status = status.map(|status| words.now_stands_at(words.status(status)));
                let released = words.released(insure_num.as_str(), *by_hand, *followed);
                released + &status.unwrap_or_default()
            }
        }
    }
}
