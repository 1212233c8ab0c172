//! One look at the broker, the database and the services.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncMysqlConnection;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use xiebao_runtime::amqp::connect;
use xiebao_runtime::amqp::topology::{self, DEAD, NOTICES, ObjectState, REFUSED};
use xiebao_runtime::clock;
use xiebao_runtime::config::{AmqpConfig, Config, without_password};
use xiebao_store::sql::refused::{self, Filter};
use xiebao_store::sql::samples;
use xiebao_store::{Store, StoreError};

use super::service::{self, Answer};
use crate::admin::Admin;
use crate::exit::Failure;

/// A server that is silent for longer is away.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// It is there and does not answer the question: a table is missing, or this release can't read a row.
    DatabaseRefuses {
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
    /// In the last hour. Strangers may post anything to a listener that they reach: what needs a person is `missing` alone.
    Refused {
        requests: i64,
        by_verdict: BTreeMap<String, i64>,
        /// Notices among them that have not come since, as far as they say which: authentic ones, and those that may be so
        /// but for a wrong key or form.
        missing: usize,
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
            Self::BrokerAway { .. }
            | Self::DatabaseAway { .. }
            | Self::DatabaseRefuses { .. }
            | Self::QueueWrong { .. } => false,
            Self::Queue { consumers, .. } => *consumers > 0,
            Self::Held { overdue, .. } => *overdue == 0,
            Self::DeadLetters { open, .. } => *open == 0,
            Self::Stuck { count, .. } => *count == 0,
            Self::Refused { missing, .. } => *missing == 0,
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
    services: Vec<Admin>,
    before: BTreeMap<String, (Instant, f64)>,
}

impl Eyes {
    pub fn open(config: &Config, services: Vec<Admin>) -> Result<Self, Failure> {
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
        let asked = self
            .services
            .iter()
            .map(|admin| async move { (admin.url(), service::ask(admin, PATIENCE).await) });
        let answers = join_all(asked).await;
        for (url, answer) in answers {
            facts.push(self.service(url, answer));
        }
        facts
    }

    fn service(&mut self, url: String, answer: Answer) -> Fact {
        let total: f64 = answer.counts.values().sum();
        let now = Instant::now();
        let before = self.before.insert(url.clone(), (now, total));
        let per_second = before.map(|(at, before)| {
            // A counter that has begun anew counts from nothing.
            let more = if total < before { total } else { total - before };
            more / (now - at).as_secs_f64().max(0.001)
        });
        Fact::Service {
            url,
            ready: answer.problem.is_none(),
            why: answer.problem,
            counts: answer.counts,
            per_second,
        }
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
        let answer = timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable(format!("no answer within {PATIENCE:?}"))));
        let address = self.database.clone();
        match answer {
            Ok(facts) => facts,
            Err(StoreError::Refused(problem)) => vec![Fact::DatabaseRefuses { address, problem }],
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
    let held = samples::held(conn, now, i64::MAX).await?;
    let open = samples::open_dead_letters(conn, i64::MAX).await?;
    let stuck = samples::paid_not_issued(conn, now, stuck_after).await?;
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
        Fact::Refused {
            requests: refused.iter().map(|(_, tries)| tries).sum(),
            by_verdict: refused.into_iter().collect(),
            missing,
        },
    ])
}

/// What was refused and may be of the platform: nobody else can sign, or has a wrong key or form by mistake.
const OF_THE_PLATFORM: [&str; 4] = ["unavailable", "bad_signature", "unknown_partner", "malformed"];

/// Of one verdict at most, those tried last.
const MISSING_AT_MOST: i64 = 1_000;

/// How many refused notices have not come since.
async fn missing(conn: &mut AsyncMysqlConnection, since: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut missing = 0;
    for verdict in OF_THE_PLATFORM {
        let filter = Filter {
            since: Some(since.naive_utc()),
            verdict: Some(verdict.to_owned()),
            missing: true,
            for_platform: false,
        };
        let groups = refused::groups(conn, &filter, MISSING_AT_MOST).await?;
        missing += groups.iter().filter(|group| group.says_which()).count();
    }
    Ok(missing)
}
