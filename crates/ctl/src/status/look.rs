//! One look at the broker, the database and the services.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncMysqlConnection;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use xiebao_runtime::amqp::connect;
use xiebao_runtime::amqp::topology::{self, DEAD, NOTICES, ObjectState, REFUSED};
use xiebao_runtime::clock;
use xiebao_runtime::config::{AmqpConfig, Config, without_password};
use xiebao_worker::store::stuck::{self, Stand};
use xiebao_worker::store::{Store, StoreError, refused, samples};

use super::service::{self, Target};
use crate::exit::Failure;

/// A server that is silent for longer is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Held notices are overdue after that.
const OVERDUE_AFTER: TimeDelta = TimeDelta::seconds(30);
const PROPOSALS_AT_MOST: i64 = 10_000;
/// Stuck ones that came where they stand before are no news.
const STUCK_SINCE: TimeDelta = TimeDelta::days(7);

/// What was seen, each with all that is to be said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    BrokerAway {
        address: String,
        problem: String,
    },
    DatabaseAway {
        address: String,
        problem: String,
    },
    Queue {
        name: String,
        messages: u32,
        consumers: u32,
    },
    /// It is not there, or not as wanted.
    QueueWrong {
        name: String,
    },
    Held {
        proposals: i64,
        notices: i64,
        /// Since when the oldest has been held.
        oldest: Option<DateTime<Utc>>,
        overdue: i64,
    },
    DeadLetters {
        open: i64,
        by_reason: BTreeMap<String, i64>,
    },
    Stuck {
        count: i64,
        oldest: Option<DateTime<Utc>>,
        /// Longer than so many seconds.
        after_seconds: u64,
    },
    /// In the last hour.
    Refused {
        requests: i64,
        by_verdict: BTreeMap<String, i64>,
    },
    Service {
        url: String,
        ready: bool,
        /// Why it is not.
        why: Option<String>,
        /// What it has counted since it began: requests, or deliveries, by what became of them.
        counts: BTreeMap<String, f64>,
        /// All of them a second, since the last look.
        per_second: Option<f64>,
    },
}

impl Fact {
    /// Nobody has to do anything.
    pub fn is_well(&self) -> bool {
        match self {
            Self::BrokerAway { .. } | Self::DatabaseAway { .. } | Self::QueueWrong { .. } => false,
            Self::Queue { consumers, .. } => *consumers > 0,
            Self::Held { overdue, .. } => *overdue == 0,
            Self::DeadLetters { open, .. } => *open == 0,
            Self::Stuck { count, .. } => *count == 0,
            Self::Refused { requests, .. } => *requests == 0,
            Self::Service { ready, .. } => *ready,
        }
    }

    pub fn is_away(&self) -> bool {
        matches!(self, Self::BrokerAway { .. } | Self::DatabaseAway { .. })
    }
}

/// What looks, and what it saw the last time.
pub struct Eyes {
    amqp: AmqpConfig,
    store: Store,
    database: String,
    stuck_after: Duration,
    services: Vec<Target>,
    before: BTreeMap<String, (Instant, f64)>,
}

impl Eyes {
    pub fn open(config: &Config, services: Vec<Target>) -> Result<Self, Failure> {
        let database = config.require_database()?;
        Ok(Self {
            amqp: config.require_amqp()?.clone(),
            store: Store::new(database.url.expose(), 1),
            database: without_password(database.url.expose()),
            stuck_after: config.worker.stuck_after,
            services,
            before: BTreeMap::new(),
        })
    }

    pub async fn look(&mut self) -> Vec<Fact> {
        let (broker, database) = tokio::join!(self.broker(), self.database());
        let mut facts = broker;
        facts.extend(database);
        for target in &self.services {
            let answer = service::ask(target, PATIENCE).await;
            let total: f64 = answer.counts.values().sum();
            let now = Instant::now();
            let before = self.before.insert(target.url.clone(), (now, total));
            let per_second = before.map(|(at, before)| {
                // A counter that has begun anew counts from nothing.
                let more = if total < before { total } else { total - before };
                more / (now - at).as_secs_f64().max(0.001)
            });
            facts.push(Fact::Service {
                url: target.url.clone(),
                ready: answer.problem.is_none(),
                why: answer.problem,
                counts: answer.counts,
                per_second,
            });
        }
        facts
    }

    async fn broker(&self) -> Vec<Fact> {
        let away = |problem: String| {
            let addresses = self.amqp.urls.iter().map(|url| without_password(url.expose()));
            vec![Fact::BrokerAway {
                address: addresses.collect::<Vec<_>>().join(", "),
                problem,
            }]
        };
        let looking = async {
            let connection = connect(&self.amqp, "xiebao status")
                .await
                .map_err(|e| e.to_string())?;
            let seen = topology::check(&connection).await.map_err(|e| e.to_string());
            let _ = connection.close(200, "done".into()).await;
            seen
        };
        match timeout(PATIENCE, looking).await {
            Ok(Ok(reports)) => reports.into_iter().filter_map(queue).collect(),
            Ok(Err(problem)) => away(problem),
            Err(_) => away(format!("no answer within {PATIENCE:?}")),
        }
    }

    async fn database(&self) -> Vec<Fact> {
        let after = self.stuck_after;
        let asking = self
            .store
            .ask(async |conn| tables(conn, clock::now(), after).await);
        let problem = match timeout(PATIENCE, asking).await {
            Ok(Ok(facts)) => return facts,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        vec![Fact::DatabaseAway {
            address: self.database.clone(),
            problem,
        }]
    }
}

/// Of the queues those that somebody takes from.
fn queue(report: topology::ObjectReport) -> Option<Fact> {
    let name = report.object.strip_prefix("queue ")?.to_owned();
    if ![NOTICES, DEAD, REFUSED].contains(&name.as_str()) {
        return None;
    }
    Some(match report.state {
        ObjectState::AsWanted {
            queue: Some((messages, consumers)),
        } => Fact::Queue {
            name,
            messages,
            consumers,
        },
        _ => Fact::QueueWrong { name },
    })
}

async fn tables(
    conn: &mut AsyncMysqlConnection,
    now: DateTime<Utc>,
    stuck_after: Duration,
) -> Result<Vec<Fact>, StoreError> {
    let proposals = samples::proposals_with_holds(conn, i64::MAX).await?;
    let held = samples::held_by_type(conn, now - OVERDUE_AFTER, PROPOSALS_AT_MOST).await?;
    let open = samples::open_dead_letters(conn, i64::MAX).await?;
    let since = (now - STUCK_SINCE).naive_utc();
    let before = now - TimeDelta::from_std(stuck_after).unwrap_or(STUCK_SINCE);
    let stuck = stuck::count(conn, Stand::Paid, since, before).await?;
    let refused = refused::count(conn, now - TimeDelta::hours(1)).await?;
    let oldest = held.iter().filter_map(|row| row.oldest).min();
    Ok(vec![
        Fact::Held {
            proposals,
            notices: held.iter().map(|row| row.held).sum(),
            oldest: oldest.map(|at| at.and_utc()),
            overdue: held.iter().map(|row| row.overdue).sum(),
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
        Fact::Refused {
            requests: refused.iter().map(|(_, tries)| tries).sum(),
            by_verdict: refused.into_iter().collect(),
        },
    ])
}
