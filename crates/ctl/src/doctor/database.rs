use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel_async::AsyncMysqlConnection;
use xiebao_runtime::clock;
use xiebao_runtime::config::{DatabaseConfig, without_password};
use xiebao_store::sql::{inventory, migrations, server};
use xiebao_store::{StoreError, connect};

use super::Finding;
use super::concern::Concern;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Holds and time-outs are a matter of seconds; clocks kept by NTP differ by milliseconds.
const TOLERATED_MS: i64 = 2_000;

/// Whether the database answers, how its schema stands, and what time it has.
pub async fn examine(config: &DatabaseConfig, largest_body: usize) -> Vec<Finding> {
    let address = without_password(config.url.expose());
    let mut findings = Vec::new();
    let looking = tokio::time::timeout(TIMEOUT, look(config, &address, largest_body, &mut findings)).await;
    let problem = match looking {
        Ok(Ok(())) => return findings,
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
    };
    findings.push(Finding::DatabaseUnreachable { address, problem });
    findings
}

async fn look(
    config: &DatabaseConfig,
    address: &str,
    largest_body: usize,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut conn = connect(config.url.expose().to_owned()).await?;
    let version = server::version(&mut conn).await?;
    let too_old = super::server::too_old(&version);
    findings.push(Finding::DatabaseReached {
        address: address.to_owned(),
        version,
    });
    findings.extend(too_old.map(Finding::Concerning));
    let schema = schema(&mut conn).await?;
    let current = schema == Finding::SchemaCurrent;
    findings.push(schema);
    if current {
        findings.push(Finding::Concerning(drift(&mut conn).await?));
    }
    let variables = server::variables(&mut conn).await?;
    // One besides the pool is for the record of refused requests.
    let concerns = super::server::examine(&variables, largest_body, config.pool_size + 1);
    findings.extend(concerns.into_iter().map(Finding::Concerning));
    let before = clock::now();
    let theirs = server::time(&mut conn).await?;
    findings.push(clocks(before, theirs, clock::now()));
    Ok(())
}

async fn drift(conn: &mut AsyncMysqlConnection) -> Result<Concern, StoreError> {
    let inventory::Drift { missing, unexpected } = inventory::drift(conn).await?;
    Ok(match missing.is_empty() && unexpected.is_empty() {
        true => Concern::SchemaAsMigrated,
        false => Concern::SchemaDrifted { missing, unexpected },
    })
}

async fn schema(conn: &mut AsyncMysqlConnection) -> Result<Finding, StoreError> {
    let found = migrations::difference(conn).await?;
    Ok(match (found.pending.is_empty(), found.unknown.is_empty()) {
        (false, _) => Finding::SchemaPending { names: found.pending },
        (true, false) => Finding::SchemaNewer {
            versions: found.unknown,
        },
        (true, true) => Finding::SchemaCurrent,
    })
}

/// Their clock was read somewhere between `before` and `after`.
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
