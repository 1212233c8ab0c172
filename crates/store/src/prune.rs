//! Empties the bodies of what is old and settled, for `xiebao prune`. A proposal is whole or pruned: all its notices are
//! emptied in one transaction under its lock. A little at a time, so that no worker waits; it may end anywhere and begin
//! anew, and passes over what a worker is busy with.

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

/// Proposals that are looked at at once.
const LOOKED_AT: i64 = 500;

/// How a run goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'e> {
    /// What was last heard of before this moment is old.
    pub before: DateTime<Utc>,
    /// Proposals, or dead letters, of one transaction.
    pub batch: usize,
    /// How long it rests after each transaction that has emptied something.
    pub pause: Duration,
    /// Who wants it; without, it is only counted.
    pub actor: Option<&'e str>,
    pub clock: Clock,
}

/// Runs until all was looked at, or `stop`. The report grows batch by batch: on an error it holds what was done by then.
pub async fn run(
    store: &Store,
    errand: &Errand<'_>,
    stop: &CancellationToken,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut run = Run {
        store,
        errand,
        stop,
        deed: None,
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
    errand: &'r Errand<'r>,
    stop: &'r CancellationToken,
    /// Its line in the log of operations, once there is anything to note.
    deed: Option<i64>,
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
            let old = page.into_iter().filter(|sum| sum.is_old(self.errand.before));
            // What was applied is emptied under locks; of what was not, there may be none.
            let (applied, ignored): (Vec<Sum>, Vec<Sum>) = old.partition(|sum| sum.counted > 0);
            self.all_of(&applied, true).await?;
            self.all_of(&ignored, false).await?;
        }
        Ok(())
    }

    async fn all_of(&mut self, old: &[Sum], locked: bool) -> Result<(), StoreError> {
        for part in old.chunks(self.errand.batch.max(1)) {
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
        let (before, batch) = (self.errand.before, self.errand.batch as i64);
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
        let (before, batch) = (self.errand.before, self.errand.batch as i64);
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

    /// One transaction, with its part of the line in the log; then a rest.
    async fn transaction(&mut self, work: &Work) -> Result<(), StoreError> {
        let (errand, deed, so_far) = (self.errand, self.deed, &*self.report);
        let (done, deed) = self
            .store
            .racing(async |conn| {
                conn.transaction(async |conn| {
                    let done = work.carry_out(conn, errand).await?;
                    let deed = note(conn, errand, deed, &so_far.with(&done)).await?;
                    Ok((done, deed))
                })
                .await
            })
            .await?;
        let emptied = errand.actor.is_some() && done.has_emptied();
        self.deed = deed;
        *self.report = self.report.with(&done);
        if emptied {
            self.stop
                .run_until_cancelled(tokio::time::sleep(errand.pause))
                .await;
        }
        Ok(())
    }
}

/// What one transaction is to empty.
enum Work {
    /// `locked`: under their locks. Of what was never applied there may be none.
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
        errand: &Errand<'_>,
    ) -> Result<Report, StoreError> {
        match self {
            Self::Proposals { names, locked } => proposals(conn, errand, names, *locked).await,
            Self::Nameless(page) => nameless(conn, errand, page).await,
            Self::Letters(page) => letters(conn, errand, page).await,
        }
    }
}

/// Empties those of the proposals that no worker is busy with and that are old and settled still.
async fn proposals(
    conn: &mut Connection,
    errand: &Errand<'_>,
    names: &[String],
    locked: bool,
) -> Result<Report, StoreError> {
    let before = errand.before;
    let free = match errand.actor {
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
    done.notices = match errand.actor {
        Some(_) => prune::empty(conn, &names, !locked, before, (errand.clock)()).await? as u64,
        None => old.iter().map(|sum| sum.whole.unsigned_abs()).sum(),
    };
    Ok(done)
}

async fn nameless(
    conn: &mut Connection,
    errand: &Errand<'_>,
    page: &[Weighed<(i64, String)>],
) -> Result<Report, StoreError> {
    let mut done = Report::default();
    for (key, bytes) in page {
        let now = (errand.clock)();
        if errand.actor.is_none() || prune::empty_nameless(conn, key, errand.before, now).await? {
            done.notices += 1;
            done.bytes += bytes.unsigned_abs();
        }
    }
    Ok(done)
}

async fn letters(
    conn: &mut Connection,
    errand: &Errand<'_>,
    page: &[Weighed<i64>],
) -> Result<Report, StoreError> {
    let ids: Vec<i64> = page.iter().map(|(id, _)| *id).collect();
    let emptied = match errand.actor {
        Some(_) => prune::empty_letters(conn, &ids, errand.before, (errand.clock)()).await?,
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

/// One line a run, in the transaction of every batch that it counts.
async fn note(
    conn: &mut Connection,
    errand: &Errand<'_>,
    deed: Option<i64>,
    so_far: &Report,
) -> Result<Option<i64>, StoreError> {
    let Some(actor) = errand.actor.filter(|_| so_far.has_emptied()) else {
        return Ok(deed);
    };
    let detail = so_far.summary(errand.before);
    if let Some(id) = deed {
        operations::go_on(conn, id, &detail).await?;
        return Ok(deed);
    }
    let line = NewOperation::new(Action::Prune, actor, (errand.clock)()).with_detail(&detail);
    operations::begin(conn, &line).await.map(Some)
}
