//! Empties the bodies of old, settled proposals and dead letters, for `xiebao prune`. A proposal is whole or pruned:
//! all its notices are emptied in one transaction under its lock. Transactions are small, so no worker waits for long;
//! a run may stop anywhere and be started again, and skips proposals that a worker has locked.

mod report;

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::InsureNum;

pub use report::Report;

use crate::sql::locks;
use crate::sql::operations::{self, Action, NewOperation};
use crate::sql::prune::{self, Sum, Weighed};
use crate::transaction::Clock;
use crate::{Connection, Store, StoreError};

/// Proposals examined at once.
const LOOKED_AT: i64 = 500;

/// Options of a run.
#[derive(Debug, Clone, Copy)]
pub struct PruneOptions<'e> {
    /// Proposals and dead letters without news since this time are old.
    pub before: DateTime<Utc>,
    /// Maximum number of proposals or dead letters of a transaction.
    pub batch: usize,
    /// Pause after each transaction that has emptied something.
    pub pause: Duration,
    /// The person who runs it. `None`: bodies are only counted.
    pub actor: Option<&'e str>,
    /// The time of the operation.
    pub clock: Clock,
}

/// Runs until everything was examined, or until `stop`. The report grows batch by batch, so after an error it holds the
/// work done before it.
pub async fn run(
    store: &Store,
    options: &PruneOptions<'_>,
    stop: &CancellationToken,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut run = Run {
        store,
        options,
        stop,
        operation: None,
        report,
    };
    run.proposals().await?;
    run.nameless().await?;
    run.letters().await?;
    run.report.complete = !stop.is_cancelled();
    Ok(())
}

/// A run under way.
struct Run<'r> {
    store: &'r Store,
    options: &'r PruneOptions<'r>,
    stop: &'r CancellationToken,
    /// Its row in the log of operations, once there is one.
    operation: Option<i64>,
    report: &'r mut Report,
}

impl Run<'_> {
    async fn proposals(&mut self) -> Result<(), StoreError> {
        let mut after = String::new();
        while !self.stop.is_cancelled() {
            let page = self
                .store
                .with(async |conn| prune::page(conn, &after, LOOKED_AT).await)
                .await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.insure_num);
            self.report.looked_at += page.len() as u64;
            let old = page.into_iter().filter(|sum| sum.is_old(self.options.before));
            // Proposals with applied notices are emptied under locks; the others may have no lock.
            let (applied, ignored): (Vec<Sum>, Vec<Sum>) = old.partition(|sum| sum.counted > 0);
            self.all_of(&applied, true).await?;
            self.all_of(&ignored, false).await?;
        }
        Ok(())
    }

    async fn all_of(&mut self, old: &[Sum], locked: bool) -> Result<(), StoreError> {
        for part in old.chunks(self.options.batch.max(1)) {
            if self.stop.is_cancelled() {
                break;
            }
            let names: Vec<String> = part.iter().map(|sum| sum.insure_num.clone()).collect();
            self.transaction(&Work::Proposals { names, locked }).await?;
        }
        Ok(())
    }

    async fn nameless(&mut self) -> Result<(), StoreError> {
        let mut after = (i64::MIN, String::new());
        let (before, batch) = (self.options.before, self.options.batch as i64);
        while !self.stop.is_cancelled() {
            let page = self
                .store
                .with(async |conn| prune::nameless(conn, before, &after, batch).await)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            self.transaction(&Work::Nameless(page)).await?;
        }
        Ok(())
    }

    async fn letters(&mut self) -> Result<(), StoreError> {
        let mut after = 0;
        let (before, batch) = (self.options.before, self.options.batch as i64);
        while !self.stop.is_cancelled() {
            let page = self
                .store
                .with(async |conn| prune::letters(conn, before, after, batch).await)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            self.transaction(&Work::Letters(page)).await?;
        }
        Ok(())
    }

    /// One transaction, with its update of the row in the log; then the pause.
    async fn transaction(&mut self, work: &Work) -> Result<(), StoreError> {
        let (options, operation, so_far) = (self.options, self.operation, &*self.report);
        let (done, operation) = self
            .store
            .racing(async |conn| {
                conn.transaction(async |conn| {
                    let done = work.carry_out(conn, options).await?;
                    let operation = note(conn, options, operation, &so_far.with(&done)).await?;
                    Ok((done, operation))
                })
                .await
            })
            .await?;
        let emptied = options.actor.is_some() && done.has_emptied();
        self.operation = operation;
        *self.report = self.report.with(&done);
        if emptied {
            self.stop
                .run_until_cancelled(tokio::time::sleep(options.pause))
                .await;
        }
        Ok(())
    }
}

/// The work of one transaction.
enum Work {
    /// With `locked`, under their locks. Proposals without applied notices may have none.
    Proposals {
        names: Vec<String>,
        locked: bool,
    },
    Nameless(Vec<Weighed<(i64, String)>>),
    Letters(Vec<Weighed<i64>>),
}

impl Work {
    async fn carry_out(
        &self,
        conn: &mut Connection,
        options: &PruneOptions<'_>,
    ) -> Result<Report, StoreError> {
        match self {
            Self::Proposals { names, locked } => proposals(conn, options, names, *locked).await,
            Self::Nameless(page) => nameless(conn, options, page).await,
            Self::Letters(page) => letters(conn, options, page).await,
        }
    }
}

/// Empties the proposals that no worker has locked and that are still old and settled.
async fn proposals(
    conn: &mut Connection,
    options: &PruneOptions<'_>,
    names: &[String],
    locked: bool,
) -> Result<Report, StoreError> {
    let before = options.before;
    let free = match options.actor {
        Some(_) if locked => free(conn, names).await?,
        _ => names.to_vec(),
    };
    let mut done = Report {
        busy: (names.len() - free.len()) as u64,
        ..Report::default()
    };
    let sums = prune::sums(conn, &free).await?;
    let mut old: Vec<Sum> = sums.into_iter().filter(|sum| sum.is_old(before)).collect();
    let names: Vec<String> = old.iter().map(|sum| sum.insure_num.clone()).collect();
    let unsettled = prune::unsettled(conn, &names, before).await?;
    let in_force = prune::in_force(conn, &names, before).await?;
    old.retain(|sum| {
        let (open, covered) = (
            unsettled.contains(&sum.insure_num),
            in_force.contains(&sum.insure_num),
        );
        done.unsettled += u64::from(open);
        done.in_force += u64::from(covered && !open);
        !open && !covered
    });
    let names: Vec<String> = old.iter().map(|sum| sum.insure_num.clone()).collect();
    done.proposals = names.len() as u64;
    done.bytes = old.iter().map(|sum| sum.bytes.unsigned_abs()).sum();
    done.notices = match options.actor {
        Some(_) => prune::empty(conn, &names, !locked, before, (options.clock)()).await? as u64,
        None => old.iter().map(|sum| sum.whole.unsigned_abs()).sum(),
    };
    Ok(done)
}

async fn nameless(
    conn: &mut Connection,
    options: &PruneOptions<'_>,
    page: &[Weighed<(i64, String)>],
) -> Result<Report, StoreError> {
    let mut done = Report::default();
    for (key, bytes) in page {
        let now = (options.clock)();
        if options.actor.is_none() || prune::empty_nameless(conn, key, options.before, now).await? {
            done.notices += 1;
            done.bytes += bytes.unsigned_abs();
        }
    }
    Ok(done)
}

async fn letters(
    conn: &mut Connection,
    options: &PruneOptions<'_>,
    page: &[Weighed<i64>],
) -> Result<Report, StoreError> {
    let ids: Vec<i64> = page.iter().map(|(id, _)| *id).collect();
    let emptied = match options.actor {
        Some(_) => prune::empty_letters(conn, &ids, options.before, (options.clock)()).await?,
        None => page.to_vec(),
    };
    Ok(Report {
        letters: emptied.len() as u64,
        bytes: emptied.iter().map(|(_, bytes)| bytes.unsigned_abs()).sum(),
        ..Report::default()
    })
}

async fn free(conn: &mut Connection, names: &[String]) -> Result<Vec<String>, StoreError> {
    let numbers = names
        .iter()
        .filter_map(|name| InsureNum::parse(name).ok().flatten());
    let numbers: Vec<InsureNum> = numbers.collect();
    locks::make(conn, &numbers).await?;
    let free = locks::acquire_free(conn, &numbers).await?;
    Ok(free.iter().map(InsureNum::to_string).collect())
}

/// One row for a run, updated in the transaction of every batch.
async fn note(
    conn: &mut Connection,
    options: &PruneOptions<'_>,
    operation: Option<i64>,
    so_far: &Report,
) -> Result<Option<i64>, StoreError> {
    let Some(actor) = options.actor.filter(|_| so_far.has_emptied()) else {
        return Ok(operation);
    };
    let detail = so_far.summary(options.before);
    if let Some(id) = operation {
        operations::go_on(conn, id, &detail).await?;
        return Ok(operation);
    }
    let line = NewOperation::new(Action::Prune, actor, (options.clock)()).with_detail(&detail);
    operations::begin(conn, &line).await.map(Some)
}
