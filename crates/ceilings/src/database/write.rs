//! Writes transactions as fast as the database commits them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::proposals::{Proposal, Table};
use super::statements::{LARGEST, transaction};
use crate::Failure;
use crate::measure::Done;

/// The longest time for one transaction.
const COMMIT_WITHIN: Duration = Duration::from_secs(60);

/// The commits since the start, and the total time.
#[derive(Debug, Default)]
pub struct Written {
    pub commits: Vec<Done>,
    pub time: Duration,
}

impl Written {
    pub fn notices(&self) -> usize {
        self.commits.iter().map(|commit| commit.count).sum()
    }

    /// Appends later commits, as if there had been no pause.
    pub fn append(&mut self, later: Self) {
        let time = self.time;
        self.commits.extend(later.commits.into_iter().map(|commit| Done {
            at: time + commit.at,
            ..commit
        }));
        self.time += later.time;
    }
}

/// Writes batches on all connections at once, each batch once, until none is left or the time is up.
pub async fn write(
    conns: &mut [Conn],
    tables: &[Table],
    batches: &[&[Proposal]],
    limit: Duration,
) -> Result<Written, Failure> {
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let write_batches = async |conn: &mut Conn| {
        let mut commits = Vec::new();
        while start.elapsed() < limit {
            let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            commit(conn, tables, batch).await?;
            commits.push(Done {
                at: start.elapsed(),
                count: batch.iter().map(|proposal| proposal.notices).sum(),
            });
        }
        Ok::<_, Failure>(commits)
    };
    let commits_by_connection = try_join_all(conns.iter_mut().map(write_batches)).await?;
    Ok(Written {
        commits: commits_by_connection.into_iter().flatten().collect(),
        time: start.elapsed(),
    })
}

async fn commit(conn: &mut Conn, tables: &[Table], batch: &[Proposal]) -> Result<(), Failure> {
    for packet in transaction(tables, batch, LARGEST) {
        match tokio::time::timeout(COMMIT_WITHIN, conn.query_drop(packet)).await {
            Ok(result) => result?,
            Err(_) => {
                return Err(Failure::Unreachable(format!(
                    "the database took more than {COMMIT_WITHIN:?}"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_after_a_pause_are_appended_without_it() {
        let second = |at, count| Done {
            at: Duration::from_secs(at),
            count,
        };
        let part = |count| Written {
            commits: vec![second(1, count)],
            time: Duration::from_secs(2),
        };
        let mut all = part(10);
        all.append(part(20));
        assert_eq!(all.commits, [second(1, 10), second(3, 20)]);
        assert_eq!((all.notices(), all.time), (30, Duration::from_secs(4)));
    }
}
