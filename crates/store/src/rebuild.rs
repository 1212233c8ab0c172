//! Recomputes the derived rows from `notices` alone, compares them with the tables and repairs the tables on request.
//! Each transaction locks and compares a batch of proposals, so workers can run meanwhile.

mod compare;
mod links;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use diesel_async::AsyncConnection;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::{Ledger, Link, State};

pub use report::{Column, Difference, Kind, Report, Tally};

use crate::sql::business::{self, LinkRow};
use crate::sql::operations::{self, Action, NewOperation};
use crate::sql::{locks, notices};
use crate::transaction::{self, Clock};
use crate::{Connection, Store, StoreError};

/// Proposals of one transaction.
const AT_ONCE: usize = 200;

/// The proposals to compare.
#[derive(Debug, Clone)]
pub enum Scope {
    /// All proposals of the store.
    All,
    /// One proposal and the proposals that its reissues lead to.
    Proposal(InsureNum),
}

/// Links that notices state and `reissue_links` lacks, by the proposal that they lead to. They are checked again under
/// its lock.
type Missing = BTreeMap<String, BTreeSet<InsureNum>>;

/// Options of a run.
#[derive(Debug, Clone, Copy)]
pub struct RebuildOptions<'e> {
    /// The proposals to compare.
    pub scope: &'e Scope,
    /// The person who has the differences repaired, each batch in the transaction that found them. `None`: differences
    /// are only reported.
    pub mend_as: Option<&'e str>,
    /// The current time.
    pub clock: Clock,
}

/// Compares, and repairs on request. The report grows batch by batch, so after an error it holds the work done before
/// it. A proposal with an unreadable row, or whose repair the database refuses, is reported and skipped.
pub async fn run(store: &Store, options: &RebuildOptions<'_>, report: &mut Report) -> Result<(), StoreError> {
    match options.scope {
        Scope::All => {
            let missing = store_wide_missing(store).await?;
            let mut after = String::new();
            loop {
                let names = page(store, &after, &missing).await?;
                let Some(last) = names.last() else { break };
                after.clone_from(last);
                isolating(store, options, &names, &missing, report).await?;
            }
        }
        Scope::Proposal(num) => {
            let (names, missing) = around(store, num).await?;
            let names: Vec<String> = names.into_iter().collect();
            for names in names.chunks(AT_ONCE) {
                isolating(store, options, names, &missing, report).await?;
            }
        }
    }
    report.complete = true;
    Ok(())
}

/// The proposal and the proposals that its reissues lead to, with all links to them that the table lacks. Any
/// cancelled proposal may state a link to the proposal itself, so the whole store is searched.
async fn around(store: &Store, num: &InsureNum) -> Result<(BTreeSet<String>, Missing), StoreError> {
    let (names, mut missing) = store.with(async |conn| links::around(conn, num).await).await?;
    for (to, from) in store_wide_missing(store).await? {
        if names.contains(&to) {
            missing.entry(to).or_default().extend(from);
        }
    }
    Ok((names, missing))
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

/// The next proposals that have a notice, a derived row or a missing link.
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

/// Compares a batch. If something in it cannot be read or written, compares each of its proposals alone.
async fn isolating(
    store: &Store,
    options: &RebuildOptions<'_>,
    names: &[String],
    missing: &Missing,
    report: &mut Report,
) -> Result<(), StoreError> {
    match batch(store, options, names, missing).await {
        Ok(found) => report.add(found),
        Err(error) if error.may_be_permanent() => {
            for name in names.chunks(1) {
                match batch(store, options, name, missing).await {
                    Ok(found) => report.add(found),
                    Err(error) if error.may_be_permanent() => report.note_unreadable(&error),
                    Err(error) => return Err(error),
                }
            }
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn batch(
    store: &Store,
    options: &RebuildOptions<'_>,
    names: &[String],
    missing: &Missing,
) -> Result<Report, StoreError> {
    store
        .racing(async |conn| attempt(conn, options, names, missing).await)
        .await
}

/// The end of a transaction. One that repairs nothing is rolled back, so that not even the row of a lock is left
/// behind.
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
    conn: &mut Connection,
    options: &RebuildOptions<'_>,
    names: &[String],
    missing: &Missing,
) -> Result<Report, StoreError> {
    let ended = conn
        .transaction(async |conn| {
            let report = under_lock(conn, options, names, missing).await;
            let report = report.map_err(End::Failed)?;
            match options.mend_as {
                Some(actor) if report.differences() > 0 => {
                    let operation = options.operation(actor, &report);
                    operations::record(conn, &[operation])
                        .await
                        .map_err(End::Failed)?;
                    Ok(report)
                }
                _ => Err(End::Compared(report)),
            }
        })
        .await;
    match ended {
        Ok(report) | Err(End::Compared(report)) => Ok(report),
        Err(End::Failed(error)) => Err(error),
    }
}

impl RebuildOptions<'_> {
    /// The detail of a repaired batch for the log of operations.
    fn operation(&self, actor: &str, report: &Report) -> NewOperation {
        let mut operation = NewOperation::new(Action::Rebuild, actor, (self.clock)());
        if let Scope::Proposal(number) = self.scope {
            operation.insure_num = Some(number.to_string());
        }
        operation.with_detail(&report.summary())
    }
}

async fn under_lock(
    conn: &mut Connection,
    options: &RebuildOptions<'_>,
    names: &[String],
    missing: &Missing,
) -> Result<Report, StoreError> {
    // No worker touches a row whose key is not a proposal number, and no notice states one.
    let numbers: BTreeSet<InsureNum> = names
        .iter()
        .filter_map(|name| InsureNum::parse(name).ok().flatten())
        .collect();
    let sorted: Vec<&InsureNum> = numbers.iter().collect();
    locks::acquire(conn, &sorted).await?;
    let mut ledgers = transaction::load(conn, numbers.iter()).await?;
    let pruned: BTreeSet<String> = ledgers
        .extract_if(.., |_, ledger| ledger.is_pruned())
        .map(|(num, _)| num.to_string())
        .collect();
    let names = names.iter().filter(|name| !pruned.contains(*name));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let wanted_links = links::wanted(conn, &names, missing).await?;
    let mut report = Report {
        proposals: names.len() as u64,
        ..Report::default()
    };
    report.note_pruned(pruned);
    for ledger in ledgers.values_mut() {
        ledger.links = links_of(ledger, &wanted_links);
        report.known += (ledger.entries.len() + ledger.ignored.len()) as u64;
        report.note_sequence(ledger.insure_num.as_str(), &sequence(ledger));
    }
    let mut tables = compare::Tables {
        conn,
        names: &names,
        mend: options.mend_as.is_some(),
        now: (options.clock)().naive_utc(),
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

/// The `seq` of the applied notices, in order.
fn sequence(ledger: &Ledger) -> Vec<i64> {
    let mut sequence: Vec<i64> = ledger
        .entries
        .iter()
        .filter_map(|entry| match entry.state {
            State::Applied { seq, .. } => Some(seq),
            State::Held => None,
        })
        .collect();
    sequence.sort_unstable();
    sequence
}
