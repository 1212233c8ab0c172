//! Notices that a person voids or restores: takes out of the facts, and puts back.

use std::collections::BTreeMap;

use xiebao_core::id::{Digest, InsureNum};
use xiebao_core::ledger::Ledger;
use xiebao_core::lifecycle::Status;
use xiebao_store::sql::notices;
use xiebao_store::sql::operations::{Action, NewOperation};
use xiebao_store::transaction::{self, Plan, Task, VoidChange};
use xiebao_store::{Connection, Store, StoreError, linking};

use crate::operation::Authority;
use crate::words::Words;

/// A decision about one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How its digest begins.
    pub digest: String,
    /// Its proposal, if known; the search is quicker with it.
    pub proposal: Option<InsureNum>,
    /// Void it; otherwise restore it.
    pub void: bool,
    /// Why, for the log of operations.
    pub reason: String,
}

/// The answer to [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// No applied notice has such a digest.
    NoAppliedNotice {
        /// How the digest should begin.
        beginning: String,
    },
    /// Several have.
    Ambiguous {
        /// How the digest should begin.
        beginning: String,
        /// Their proposals and digests, as `NUMBER (DIGEST)`.
        candidates: Vec<String>,
    },
    /// The bodies of the proposal's notices are gone, so its rows cannot be computed again.
    Pruned(InsureNum),
    /// The notice is voided or restored.
    Done {
        /// Its proposal.
        insure_num: InsureNum,
        /// Its digest.
        digest: Digest,
        /// It is voided; otherwise restored.
        void: bool,
        /// It was not so before.
        changed: bool,
        /// How far the proposal is now.
        status: Option<Status>,
    },
}

/// Voids or restores a notice, as a worker would under the lock of the proposal, and brings the links to the proposals that
/// replace it.
pub async fn decide(
    store: &Store,
    decision: &Decision,
    authority: Authority<'_>,
) -> Result<Decided, StoreError> {
    let mut conn = store.connection().await?;
    let beginning = decision.digest.clone();
    let found = notices::applied_by_digest(&mut conn, &beginning, decision.proposal.as_ref()).await?;
    let found = match &found[..] {
        [(number, digest)] => InsureNum::parse(number).ok().flatten().zip(Digest::parse(digest)),
        [] => None,
        several => {
            let candidates = several
                .iter()
                .map(|(number, digest)| format!("{number} ({digest})"));
            return Ok(Decided::Ambiguous {
                beginning,
                candidates: candidates.collect(),
            });
        }
    };
    let Some((number, digest)) = found else {
        return Ok(Decided::NoAppliedNotice { beginning });
    };
    let changed = mark(store, &mut conn, (&number, &digest), decision, authority).await?;
    let ledgers = transaction::load(&mut conn, std::iter::once(&number)).await?;
    let ledger = ledgers.get(&number);
    if !changed && ledger.is_some_and(Ledger::is_pruned) {
        return Ok(Decided::Pruned(number));
    }
    Ok(Decided::Done {
        status: ledger.and_then(|ledger| ledger.facts().status()),
        insure_num: number,
        digest,
        void: decision.void,
        changed,
    })
}

/// Returns whether the notice was not marked so before.
async fn mark(
    store: &Store,
    conn: &mut Connection,
    (number, digest): (&InsureNum, &Digest),
    decision: &Decision,
    authority: Authority<'_>,
) -> Result<bool, StoreError> {
    let Authority { rules, actor, clock } = authority;
    let action = if decision.void {
        Action::VoidNotice
    } else {
        Action::RestoreNotice
    };
    let mut operation = NewOperation::new(action, actor, clock()).because(&decision.reason);
    operation.insure_num = Some(number.to_string());
    operation.digest = Some(digest.to_string());
    let change = VoidChange {
        digest: digest.clone(),
        voided: decision.void,
        operation,
    };
    let task = Task {
        void_changes: vec![change],
        ..Task::default()
    };
    let plan = Plan {
        tasks: BTreeMap::from([(number.clone(), task)]),
        ..Plan::default()
    };
    let outcome = transaction::run(conn, &plan, clock, rules).await?;
    // If this fails, the links stay in the outbox, and the sweeper of a worker delivers them.
    let _ = linking::deliver(store, rules, clock, outcome.links, |_| {}).await;
    Ok(outcome.void_changed > 0)
}

impl Decided {
    /// The outcome as text.
    pub fn page(&self, words: &dyn Words) -> String {
        match self {
            Self::NoAppliedNotice { beginning } => words.no_applied_notice(beginning),
            Self::Ambiguous {
                beginning,
                candidates,
            } => words.ambiguous_digest(beginning, candidates),
            Self::Pruned(number) => words.pruned_can_not_be_voided(number.as_str()),
            Self::Done {
                insure_num,
                digest,
                void,
                changed,
                status,
            } => {
                let (number, digest) = (insure_num.as_str(), digest.as_str());
                let done = match void {
                    true => words.voided(number, digest, *changed),
                    false => words.restored(number, digest, *changed),
                };
                let status = status.map(|status| words.now_stands_at(words.status(status)));
                done + &status.unwrap_or_default()
            }
        }
    }
}
