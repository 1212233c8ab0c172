//! Distinguishes a notice that the database refuses from a database that refuses everything (read-only, full, not
//! migrated, without rights…): it writes an invented life of a proposal to every table and rolls back.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use xiebao_core::facts::Notice;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::rules::Rules;

use crate::sql::holds;
use crate::transaction::{self, Clock, Plan, Task};
use crate::{Connection, Store, StoreError};

/// Not a number of the platform, whose numbers are digits.
const NUMBER: &str = "probe";

const LIFE: [(i64, &str); 6] = [
    (1, r#""state":true"#),
    (2, r#""state":true,"price":1,"payTime":"2026-01-01 00:00:00""#),
    (
        3,
        r#""state":true,"policys":[{"policyNum":"probe","insurant":"probe"}]"#,
    ),
    (4, r#""state":true,"cancelInsurants":["nobody"]"#),
    (26, r#""state":true,"status":1"#),
    (27, r#""failMsg":"probe""#),
];

/// Writes the invented life and rolls back.
///
/// # Errors The reason for which the database does not accept it.
pub async fn rehearse(store: &Store, clock: Clock) -> Result<(), StoreError> {
    let plan = plan(clock());
    store
        .with(async |conn| transaction::rehearse(conn, &plan, clock, &Rules::default()).await)
        .await
}

/// Commits a transaction that has written a row and deleted it again.
///
/// # Errors
/// The reason for which the database does not commit it.
pub async fn commit(store: &Store) -> Result<(), StoreError> {
    let Ok(Some(num)) = InsureNum::parse(NUMBER) else {
        return Ok(());
    };
    store.with(async |conn| write_and_delete(conn, &num).await).await
}

async fn write_and_delete(conn: &mut Connection, num: &InsureNum) -> Result<(), StoreError> {
    conn.transaction(async |conn| {
        holds::set(conn, &[(num, DateTime::UNIX_EPOCH)]).await?;
        holds::clear(conn, &[num]).await
    })
    .await
}

fn plan(received_at: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    let arrivals = LIFE.iter().filter_map(|(notify_type, stated)| {
        let body = format!(
            r#"{{"notifyType":{notify_type},"sign":"","data":{{"partnerId":0,"insureNum":"{NUMBER}",{stated}}}}}"#
        );
        let raw = Bytes::from(body);
        let notice = Notice::read(&raw).ok()?;
        Some((0, Arrival { notice: notice.into(), raw, received_at, redelivered: false }))
    });
    if let Ok(Some(num)) = InsureNum::parse(NUMBER) {
        plan.tasks.insert(
            num,
            Task {
                arrivals: arrivals.collect(),
                ..Task::default()
            },
        );
    }
    plan
}

#[cfg(test)]
mod tests {
    use xiebao_core::ledger::Ledger;
    use xiebao_core::rows::Rows;

    use super::*;

    #[test]
    fn the_probe_touches_every_business_table() {
        let mut plan = plan(DateTime::UNIX_EPOCH);
        let (num, task) = plan.tasks.pop_first().expect("one proposal");
        let mut ledger = Ledger::empty(num);
        for (_, arrival) in task.arrivals {
            ledger.deliver(arrival, DateTime::UNIX_EPOCH, &Rules::default());
        }
        for (table, count) in Rows::of(&ledger).counts() {
            assert_eq!(count, 1, "{table}");
        }
    }
}
