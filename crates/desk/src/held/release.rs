//! Waiting notices that a person lets go: they are applied at once, out of order.

use std::collections::BTreeMap;

use xiebao_core::id::{Digest, InsureNum};
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_core::rules::Rules;
use xiebao_store::sql::notices;
use xiebao_store::sql::operations::{Action, NewOperation};
use xiebao_store::transaction::{self, Outcome, Plan, Release, Task};
use xiebao_store::{Connection, Store, StoreError, linking};

use crate::operation::Authority;
use crate::words::Words;

/// The notices to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseChoice {
    /// All that wait of this proposal.
    Proposal(InsureNum),
    /// The one whose digest begins with these digits.
    Digest(String),
}

/// The answer to [`release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// The choice fits no waiting notice.
    NothingHeld(ReleaseChoice),
    /// The digits fit notices of several proposals.
    Ambiguous {
        /// The digits.
        beginning: String,
        /// The proposals.
        proposals: Vec<String>,
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
/// replace it.
pub async fn release(
    store: &Store,
    choice: ReleaseChoice,
    authority: Authority<'_>,
) -> Result<Released, StoreError> {
    let mut conn = store.connection().await?;
    let (number, digests) = match &choice {
        ReleaseChoice::Proposal(number) => {
            (number.clone(), held_of(&mut conn, number, authority.rules).await?)
        }
        ReleaseChoice::Digest(beginning) => {
            let found = notices::held_by_digest(&mut conn, beginning).await?;
            let found: Vec<_> = found
                .iter()
                .filter_map(|(number, digest)| identified(number, digest))
                .collect();
            match &found[..] {
                [] => return Ok(Released::NothingHeld(choice)),
                [(number, digest)] => (number.clone(), vec![digest.clone()]),
                several => {
                    return Ok(Released::Ambiguous {
                        beginning: beginning.clone(),
                        proposals: several.iter().map(|(number, _)| number.to_string()).collect(),
                    });
                }
            }
        }
    };
    let outcome = apply(store, &mut conn, &number, digests, authority).await?;
    if outcome.let_go == 0 {
        return Ok(Released::NothingHeld(ReleaseChoice::Proposal(number)));
    }
    let ledgers = transaction::load(&mut conn, std::iter::once(&number)).await?;
    Ok(Released::Done {
        by_hand: outcome.let_go,
        followed: outcome.released + outcome.timed_out,
        status: ledgers.get(&number).and_then(|ledger| ledger.facts().status()),
        insure_num: number,
    })
}

fn identified(number: &str, digest: &str) -> Option<(InsureNum, Digest)> {
    Some((InsureNum::parse(number).ok().flatten()?, Digest::parse(digest)?))
}

/// The held notices of the proposal, in step order.
async fn held_of(
    conn: &mut Connection,
    number: &InsureNum,
    rules: &Rules,
) -> Result<Vec<Digest>, StoreError> {
    let mut ledgers = transaction::load(conn, std::iter::once(number)).await?;
    let ledger = ledgers
        .remove(number)
        .unwrap_or_else(|| Ledger::empty(number.clone()));
    let mut held: Vec<_> = ledger.held().collect();
    held.sort_by_key(|entry| (rules.rank(entry.notice.step), entry.deliveries.first));
    Ok(held.iter().map(|entry| entry.notice.digest.clone()).collect())
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
            Self::NothingHeld(ReleaseChoice::Digest(beginning)) => words.not_held(beginning),
            Self::Ambiguous { beginning, proposals } => words.ambiguous_digest(beginning, proposals),
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
