//! The status: what needs a person now, on one screen.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::time::timeout;
use xiebao_store::sql::refused::{self, Filter};
use xiebao_store::sql::samples;
use xiebao_store::{Connection, Store, StoreError};

use crate::fact::Fact;
use crate::screen::{beijing, plain};
use crate::words::Words;

/// A database that is silent for longer does not count as answering.
const PATIENCE: Duration = Duration::from_secs(5);

/// Verdicts of requests that may be the platform's: nobody else can sign, and a wrong key or form is a mistake.
const MAYBE_THE_PLATFORM: [&str; 4] = ["unavailable", "bad_signature", "unknown_partner", "malformed"];

/// How many refused notices per verdict are looked at, the last tried first.
const MOST_MISSING: i64 = 1_000;

/// All facts of one look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// When.
    pub at: DateTime<Utc>,
    /// Nothing needs a person.
    pub well: bool,
    /// The facts.
    pub facts: Vec<JudgedFact>,
}

/// A fact, and whether it needs a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedFact {
    /// It needs nobody.
    pub well: bool,
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
}

/// The facts that the tables tell. `address`: the database, without password; `stuck_after`: how long a paid proposal may wait
/// until it counts as stuck.
pub async fn tables(store: &Store, address: &str, stuck_after: Duration, now: DateTime<Utc>) -> Vec<Fact> {
    let asking = store.ask(async |conn| read(conn, now, stuck_after).await);
    let answer = timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
        Err(StoreError::Unavailable(
            format!("no answer within {PATIENCE:?}").into(),
        ))
    });
    let address = address.to_owned();
    match answer {
        Ok(facts) => facts,
        Err(StoreError::Refused(cause)) => vec![Fact::DatabaseRefuses {
            address,
            problem: cause.to_string(),
        }],
        Err(error @ StoreError::Unreadable { .. }) => vec![Fact::DatabaseRefuses {
            address,
            problem: error.to_string(),
        }],
        Err(error) => vec![Fact::DatabaseAway {
            address,
            problem: error.to_string(),
        }],
    }
}

async fn read(
    conn: &mut Connection,
    now: DateTime<Utc>,
    stuck_after: Duration,
) -> Result<Vec<Fact>, StoreError> {
    let held = samples::held(conn, now, i64::MAX).await?;
    let open = samples::open_dead_letters(conn, i64::MAX).await?;
    let stuck = samples::paid_not_issued(conn, now, stuck_after).await?;
    let unmatched = samples::unmatched(conn, i64::MAX).await?;
    let an_hour_ago = now - TimeDelta::hours(1);
    let refused = refused::count(conn, an_hour_ago).await?;
    let missing = missing(conn, an_hour_ago).await?;
    Ok(vec![
        Fact::Held {
            proposals: held.proposals,
            notices: held.notices(),
            oldest: held.oldest(),
            overdue: held.overdue(),
        },
        Fact::DeadLetters {
            open: open.iter().map(|(_, count)| count).sum(),
            by_reason: open.into_iter().collect(),
        },
        Fact::Stuck {
            count: stuck.count,
            oldest: stuck.oldest.map(|at| at.and_utc()),
            after_seconds: stuck_after.as_secs(),
        },
        Fact::Unmatched { proposals: unmatched },
        Fact::Refused {
            requests: refused.iter().map(|(_, tries)| tries).sum(),
            by_verdict: refused.into_iter().collect(),
            missing,
        },
    ])
}

/// How many refused notices have not come since.
async fn missing(conn: &mut Connection, since: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut missing = 0;
    for verdict in MAYBE_THE_PLATFORM {
        let filter = Filter {
            since: Some(since.naive_utc()),
            verdict: Some(verdict.to_owned()),
            missing: true,
            for_platform: false,
        };
        let groups = refused::groups(conn, &filter, MOST_MISSING).await?;
        missing += groups.iter().filter(|group| group.says_which()).count();
    }
    Ok(missing)
}

impl Status {
    /// Judges the facts.
    pub fn of(facts: Vec<Fact>, at: DateTime<Utc>) -> Self {
        let judged = |fact: Fact| JudgedFact {
            well: fact.is_well(),
            fact,
        };
        let facts: Vec<JudgedFact> = facts.into_iter().map(judged).collect();
        Self {
            at,
            well: facts.iter().all(|judged| judged.well),
            facts,
        }
    }

    /// The first fact that says that the broker or the database does not answer.
    pub fn away(&self) -> Option<&Fact> {
        self.facts
            .iter()
            .map(|judged| &judged.fact)
            .find(|fact| fact.is_away())
    }

    /// The status as text.
    pub fn page(&self, words: &dyn Words) -> String {
        let mut page = format!("{}  {}\n", beijing(self.at), words.times_are_beijing());
        for JudgedFact { well, fact } in &self.facts {
            let mark = if *well { "✓" } else { "✗" };
            page += &format!("{mark} {}\n", plain(&words.fact(fact)));
            if !well && let Some(next) = words.next_step(fact) {
                page += &format!("    → {next}\n");
            }
        }
        page
    }
}
