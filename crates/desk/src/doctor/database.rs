//! The database: it answers, its schema, its settings, its clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use xiebao_store::settings::{self, WrongSetting};
use xiebao_store::sql::{inventory, migrations, server};
use xiebao_store::{Connection, StoreError, connect_unchecked};

use crate::finding::Finding;
use crate::finding::concern::Concern;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits and time-outs last seconds; clocks that NTP keeps differ by milliseconds.
const TOLERATED_MS: i64 = 2_000;

/// The database to examine.
#[derive(Debug, Clone, Copy)]
pub struct Server<'s> {
    /// Its URL, with password.
    pub url: &'s str,
    /// Its URL, without password.
    pub address: &'s str,
    /// Connections of a worker's pool.
    pub pool_size: usize,
    /// Bytes of the largest body of a notice.
    pub largest_body: usize,
    /// Reads the time of this machine.
    pub clock: fn() -> DateTime<Utc>,
}

/// Findings about the database: it answers, its schema, its settings, its clock.
pub async fn examine(server: Server<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let looking = tokio::time::timeout(TIMEOUT, look(server, &mut findings)).await;
    let problem = match looking {
        Ok(Ok(())) => return findings,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
    };
    let address = server.address.to_owned();
    findings.push(Finding::DatabaseUnreachable { address, problem });
    findings
}

async fn look(database: Server<'_>, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut conn = connect_unchecked(database.url).await?;
    let version = server::version(&mut conn).await?;
    let too_old = too_old(&version);
    findings.push(Finding::DatabaseReached {
        address: database.address.to_owned(),
        version,
    });
    findings.extend(too_old.map(Finding::Concerning));
    let schema = schema(&mut conn).await?;
    let current = schema == Finding::SchemaCurrent;
    findings.push(schema);
    if current {
        findings.push(Finding::Concerning(drift(&mut conn).await?));
    }
    let wrong = settings::examine(&mut conn, database.largest_body).await?;
    findings.extend(wrong.into_iter().map(setting));
    // The record of refused requests has one connection beside the pool.
    let needed = database.pool_size + 1;
    let free = server::free_connections(&mut conn).await?;
    let least = i64::try_from(needed).unwrap_or(i64::MAX);
    if let Some(free) = free.filter(|free| *free < least) {
        findings.push(Finding::Concerning(Concern::ConnectionsScarce { free, needed }));
    }
    let before = (database.clock)();
    let theirs = server::time(&mut conn).await?;
    findings.push(clocks(before, theirs, (database.clock)()));
    Ok(())
}

fn setting(WrongSetting { name, is, wanted, .. }: WrongSetting) -> Finding {
    let name = name.to_owned();
    Finding::Concerning(Concern::DatabaseSetting { name, is, wanted })
}

async fn drift(conn: &mut Connection) -> Result<Concern, StoreError> {
    let inventory::Drift { missing, unexpected } = inventory::drift(conn).await?;
    Ok(match missing.is_empty() && unexpected.is_empty() {
        true => Concern::SchemaAsMigrated,
        false => Concern::SchemaDrifted { missing, unexpected },
    })
}

async fn schema(conn: &mut Connection) -> Result<Finding, StoreError> {
    let found = migrations::difference(conn).await?;
    Ok(match (found.pending.is_empty(), found.unknown.is_empty()) {
        (false, _) => Finding::SchemaPending { names: found.pending },
        (true, false) => Finding::SchemaNewer {
            versions: found.unknown,
        },
        (true, true) => Finding::SchemaCurrent,
    })
}

/// `theirs`: the clock of the database, read between `before` and `after` on this machine.
pub(super) fn clocks(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> Finding {
    let difference = if theirs < before {
        theirs - before
    } else if theirs > after {
        theirs - after
    } else {
        chrono::TimeDelta::zero()
    };
    let difference_ms = difference.num_milliseconds();
    if difference_ms.abs() > TOLERATED_MS {
        Finding::ClocksDiffer { difference_ms }
    } else {
        Finding::ClocksAgree { difference_ms }
    }
}

/// The server is older than MariaDB 10.6 or MySQL 8. A version of another form passes.
pub(super) fn too_old(version: &str) -> Option<Concern> {
    let maria = version.contains("MariaDB");
    let needed = if maria { (10, 6) } else { (8, 0) };
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let is = (numbers.next()??, numbers.next()??);
    (is < needed).then(|| Concern::DatabaseTooOld {
        version: version.to_owned(),
        needed: format!(
            "{} {}.{}",
            if maria { "MariaDB" } else { "MySQL" },
            needed.0,
            needed.1
        ),
    })
}
