//! Takes in notices that were kept as ignored, once their type is subscribed: as deliveries of long ago, which keep
//! their receipts. What can't be applied becomes a dead letter. A page a transaction, so that it may be interrupted.

use bytes::Bytes;
use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType};
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::Rejection;
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::Verdict;

use crate::links;
use crate::store::notices::{self, NoticeRow};
use crate::store::{Store, StoreError};
use crate::transaction::{self, Clock, Outcome, Plan};

/// Notices of one transaction.
const AT_ONCE: i64 = 100;

/// How often a page that loses a race for a lock is tried.
const TRIES: usize = 5;

/// What became of the ignored notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reprocessed {
    pub applied: usize,
    pub held: usize,
    pub dead: usize,
}

/// Takes in all that is ignored of that type.
pub async fn run(
    store: &Store,
    rules: &Rules,
    notify_type: NotifyType,
    clock: Clock,
) -> Result<Reprocessed, StoreError> {
    let mut all = Reprocessed::default();
    let mut after = (String::new(), String::new());
    loop {
        let page = store
            .with(async |conn| notices::ignored_of_type(conn, notify_type, &after, AT_ONCE).await)
            .await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = (last.insure_num.clone(), last.digest.clone());
        let outcome = take_in(store, rules, plan(page), clock).await?;
        all.add(&outcome);
        links::deliver_all(store, rules, outcome.links).await?;
    }
}

async fn take_in(store: &Store, rules: &Rules, plan: Plan, clock: Clock) -> Result<Outcome, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let result = store
            .with(async |conn| transaction::run(conn, &plan, clock, rules).await)
            .await;
        match result {
            Err(StoreError::Conflict(_)) if tries < TRIES => {}
            result => return result,
        }
    }
}

fn plan(page: Vec<NoticeRow>) -> Plan {
    let mut plan = Plan::default();
    for row in page {
        match arrival(&row) {
            Ok((number, arrival)) => plan.tasks.entry(number).or_default().ignored.push(arrival),
            Err(rejection) => plan.refused.push((row, rejection)),
        }
    }
    plan
}

/// The delivery that the row was made from, as one that the broker hands out again: it is not counted anew.
fn arrival(row: &NoticeRow) -> Result<(InsureNum, Arrival), Rejection> {
    let raw = Bytes::copy_from_slice(&row.raw);
    let notice = Notice::read(&raw)?;
    let arrival = Arrival {
        received_at: row.received_at.and_utc(),
        redelivered: true,
        raw,
        notice,
    };
    Ok((arrival.notice.insure_num.clone(), arrival))
}

impl Reprocessed {
    fn add(&mut self, outcome: &Outcome) {
        self.dead += outcome.dead;
        for (_, verdict) in &outcome.verdicts {
            match verdict {
                Verdict::Applied => self.applied += 1,
                Verdict::Held(_) => self.held += 1,
                Verdict::Duplicate | Verdict::Rejected(_) => {}
            }
        }
    }
}
