//! Tells a notice that the database refuses from a database that refuses everything (read-only, full, not migrated,
//! without rights…): a made-up life of a proposal is written to every table, and rolled back.

use bytes::Bytes;
use xiebao_core::facts::Notice;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;

use crate::Worker;
use crate::store::{StoreError, server};
use crate::transaction::{self, Plan, Task};

/// Names no proposal of the platform, whose numbers are digits.
const NUMBER: &str = "probe";

const LIFE: [(i64, &str); 6] = [
    (1, r#""state":true"#),
    (2, r#""state":true,"price":1,"payTime":"2026-01-01 00:00:00""#),
    (
        3,
        r#""state":true,"policys":[{"policyNum":"probe","insurant":"probe"}]"#,
    ),
    (4, r#""state":true"#),
    (26, r#""state":true,"status":1"#),
    (27, r#""failMsg":"probe""#),
];

/// Whether the database takes what it is given, as far as can be told.
pub async fn succeeds(worker: &Worker) -> bool {
    let outcome = rehearse(worker).await;
    if let Err(error) = &outcome {
        tracing::warn!(error = %error, "the database refuses everything");
    }
    outcome.is_ok()
}

/// Whether the database answers at all, which tells soon.
pub async fn is_there(worker: &Worker) -> bool {
    worker
        .store
        .ask(async |conn| server::time(conn).await)
        .await
        .is_ok()
}

async fn rehearse(worker: &Worker) -> Result<(), StoreError> {
    let plan = plan();
    worker
        .store
        .with(async |conn| transaction::rehearse(conn, &plan, clock::now, &Rules::default()).await)
        .await
}

fn plan() -> Plan {
    let mut plan = Plan::default();
    let arrivals = LIFE.iter().filter_map(|(notify_type, stated)| {
        let body = format!(
            r#"{{"notifyType":{notify_type},"sign":"","data":{{"partnerId":0,"insureNum":"{NUMBER}",{stated}}}}}"#
        );
        let raw = Bytes::from(body);
        let notice = Notice::read(&raw).ok()?;
        Some((0, Arrival { notice: notice.into(), raw, received_at: clock::now(), redelivered: false }))
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
        let mut plan = plan();
        let (num, task) = plan.tasks.pop_first().expect("one proposal");
        let mut ledger = Ledger::empty(num);
        for (_, arrival) in task.arrivals {
            ledger.deliver(arrival, clock::now(), &Rules::default());
        }
        let rows = Rows::of(&ledger);
        let counts = [
            rows.proposals.len(),
            rows.payments.len(),
            rows.policies.len(),
            rows.insured_persons.len(),
            rows.cancellations.len(),
            rows.endorsements.len(),
            rows.abnormalities.len(),
        ];
        assert_eq!(counts, [1; 7]);
    }
}
