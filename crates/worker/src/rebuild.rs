//! The derived rows, recomputed from `notices` alone, compared with what the tables hold and, if that is wanted, put
//! right. Proposal by proposal under its lock, so that workers may run meanwhile: a batch of proposals a transaction.

mod compare;
mod links;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use diesel_async::{AsyncConnection, AsyncMysqlConnection};
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::{Ledger, Link, Place};

pub use report::{Column, Difference, Kind, Report, Tally};

use crate::store::business::{
    self, Abnormality, Cancellation, Endorsement, InsuredPerson, LinkRow, Payment, Policy, Proposal, Record,
};
use crate::store::{Store, StoreError, locks, notices};
use crate::transaction;

/// Proposals of one transaction.
const AT_ONCE: usize = 200;

/// How often a batch that loses a race for a lock is tried.
const TRIES: usize = 5;

/// Which proposals.
#[derive(Debug, Clone)]
pub enum Scope {
    All,
    /// One, and those that its reissues lead to.
    Proposal(InsureNum),
}

/// Links that notices state and `reissue_links` lacks, by the proposal that they lead to: to be looked at under lock.
type Missing = BTreeMap<String, BTreeSet<InsureNum>>;

/// Compares; with `mend` writes the difference as well, each batch in the transaction that found it.
pub async fn run(store: &Store, scope: &Scope, mend: bool) -> Result<Report, StoreError> {
    let mut report = Report::default();
    match scope {
        Scope::All => {
            let missing = store_wide_missing(store).await?;
            let mut after = String::new();
            loop {
                let names = page(store, &after, &missing).await?;
                let Some(last) = names.last() else { break };
                after.clone_from(last);
                report.add(batch(store, &names, &missing, mend).await?);
            }
        }
        Scope::Proposal(num) => {
            let (names, missing) = store.with(async |conn| links::around(conn, num).await).await?;
            let names: Vec<String> = names.into_iter().collect();
            for names in names.chunks(AT_ONCE) {
                report.add(batch(store, names, &missing, mend).await?);
            }
        }
    }
    Ok(report)
}

async fn store_wide_missing(store: &Store) -> Result<Missing, StoreError> {
    let mut missing = Missing::new();
    let mut after = String::new();
    loop {
        let page = store
            .with(async |conn| {
                let sources =
                    notices::proposals_with_type(conn, links::REISSUED, &after, AT_ONCE as i64).await?;
                links::note_missing(conn, &sources, &mut missing).await?;
                Ok(sources)
            })
            .await?;
        let Some(last) = page.last() else {
            return Ok(missing);
        };
        after.clone_from(last);
    }
}

/// The next proposals that anything is known of: by a notice, a derived row, or a link that is to be.
async fn page(store: &Store, after: &str, missing: &Missing) -> Result<Vec<String>, StoreError> {
    let limit = AT_ONCE as i64;
    let mut names: BTreeSet<String> = store
        .with(async |conn| {
            let mut names = notices::proposals(conn, after, limit).await?;
            names.extend(business::proposals(conn, after, limit).await?);
            Ok(names)
        })
        .await?
        .into_iter()
        .collect();
    let behind = (
        std::ops::Bound::Excluded(after.to_owned()),
        std::ops::Bound::Unbounded,
    );
    names.extend(missing.range(behind).take(AT_ONCE).map(|(name, _)| name.clone()));
    Ok(names.into_iter().take(AT_ONCE).collect())
}

async fn batch(store: &Store, names: &[String], missing: &Missing, mend: bool) -> Result<Report, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let result = store
            .with(async |conn| attempt(conn, names, missing, mend).await)
            .await;
        match result {
            Err(StoreError::Conflict(_)) if tries < TRIES => {}
            result => return result,
        }
    }
}

/// What ends a transaction: a comparison is rolled back, so that not even a lock's row is left behind.
enum End {
    Compared(Report),
    Failed(StoreError),
}

impl From<diesel::result::Error> for End {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

async fn attempt(
    conn: &mut AsyncMysqlConnection,
    names: &[String],
    missing: &Missing,
    mend: bool,
) -> Result<Report, StoreError> {
    let ended = conn
        .transaction(async |conn| match under_lock(conn, names, missing, mend).await {
            Ok(report) if mend => Ok(report),
            Ok(report) => Err(End::Compared(report)),
            Err(error) => Err(End::Failed(error)),
        })
        .await;
    match ended {
        Ok(report) | Err(End::Compared(report)) => Ok(report),
        Err(End::Failed(error)) => Err(error),
    }
}

async fn under_lock(
    conn: &mut AsyncMysqlConnection,
    names: &[String],
    missing: &Missing,
    mend: bool,
) -> Result<Report, StoreError> {
    // What is no proposal number no worker touches, and no notice states.
    let numbers: BTreeSet<InsureNum> = names
        .iter()
        .filter_map(|name| InsureNum::parse(name).ok().flatten())
        .collect();
    let sorted: Vec<&InsureNum> = numbers.iter().collect();
    locks::acquire(conn, &sorted).await?;
    let mut ledgers = transaction::load(conn, numbers.iter()).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted_links = links::wanted(conn, &names, missing).await?;
    let mut report = Report {
        proposals: names.len() as u64,
        ..Report::default()
    };
    for ledger in ledgers.values_mut() {
        ledger.links = links_of(ledger, &wanted_links);
        report.note_sequence(ledger.insure_num.as_str(), &sequence(ledger));
    }
    let mut tables = compare::Tables {
        conn,
        names: &names,
        mend,
        report: &mut report,
    };
    tables.compare_links(wanted_links).await?;
    tables.compare_all(ledgers.values()).await?;
    Ok(report)
}

fn links_of(ledger: &Ledger, wanted: &[LinkRow]) -> Vec<Link> {
    let own = wanted
        .iter()
        .filter(|row| row.insure_num == ledger.insure_num.as_str());
    own.filter_map(links::link_of).collect()
}

/// The `seq` of what is applied, in order.
fn sequence(ledger: &Ledger) -> Vec<i64> {
    let mut sequence: Vec<i64> = ledger
        .entries
        .iter()
        .filter_map(|entry| match entry.place {
            Place::Applied { seq, .. } => Some(seq),
            Place::Held => None,
        })
        .collect();
    sequence.sort_unstable();
    sequence
}
