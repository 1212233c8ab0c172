//! Takes in notices that were kept as ignored, once their type is subscribed: as deliveries of long ago, which keep
//! their receipts. What can't be applied becomes a dead letter. A page a transaction, so that it may be interrupted.

use bytes::Bytes;
use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType};
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::Rejection;
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::DeliveryOutcome;

use crate::linking;
use crate::sql::notices::{self, NoticeRow};
use crate::sql::operations::{self, Action, NewOperation};
use crate::transaction::{self, Clock, Outcome, Plan};
use crate::{Store, StoreError};

/// Notices of one transaction.
const AT_ONCE: i64 = 100;

/// Refused notices that are told one by one at most.
const EXAMPLES: usize = 20;

/// What became of the ignored notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reprocessed {
    pub applied: usize,
    pub held: usize,
    pub dead: usize,
    /// Left as they are, as their bodies were pruned.
    pub pruned: i64,
    /// Passed over and left as they are, as their proposal can't be read or the database refuses them.
    pub refused: usize,
    /// Why, of the first of them: proposal, digest and fault.
    pub refused_examples: Vec<String>,
}

/// Who takes them in, and how.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'e> {
    pub notify_type: NotifyType,
    pub rules: &'e Rules,
    /// Who wants it: noted once a page.
    pub actor: &'e str,
    pub clock: Clock,
}

/// Takes in all that is ignored of that type. The tally grows page by page: on an error it holds what was done by then.
pub async fn run(store: &Store, errand: &Errand<'_>, all: &mut Reprocessed) -> Result<(), StoreError> {
    let mut after = (String::new(), String::new());
    loop {
        let page = store
            .with(async |conn| notices::ignored_of_type(conn, errand.notify_type, &after, AT_ONCE).await)
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.insure_num.clone(), last.digest.clone());
        let (pruned, page): (Vec<NoticeRow>, Vec<_>) =
            page.into_iter().partition(|row| row.emptied_at().is_some());
        all.pruned += pruned.len() as i64;
        let mut done = Reprocessed::default();
        let ended = take_in_page(store, errand, page, &mut done).await;
        let noted = note(store, errand, &done).await;
        all.add(done);
        ended.and(noted)?;
    }
}

/// A page, and, if something in it is refused, each of its notices alone.
async fn take_in_page(
    store: &Store,
    errand: &Errand<'_>,
    page: Vec<NoticeRow>,
    done: &mut Reprocessed,
) -> Result<(), StoreError> {
    match take_in(store, errand, plan(page.clone())).await {
        Ok(outcome) => return finish(store, errand, outcome, done).await,
        Err(error) if error.may_be_permanent() => {}
        Err(error) => return Err(error),
    }
    for row in page {
        let name = format!("{}, {}", row.insure_num, row.digest);
        match take_in(store, errand, plan(vec![row])).await {
            Ok(outcome) => finish(store, errand, outcome, done).await?,
            Err(error) if error.may_be_permanent() => done.note_refused(&name, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Counts what was done and tells of the links that came of it. A link that is refused stays in the outbox, where the
/// worker tries it again.
async fn finish(
    store: &Store,
    errand: &Errand<'_>,
    outcome: Outcome,
    done: &mut Reprocessed,
) -> Result<(), StoreError> {
    done.count(&outcome);
    match linking::deliver(store, errand.rules, errand.clock, outcome.links, |_| {}).await {
        Err(error) if error.may_be_permanent() => Ok(()),
        result => result,
    }
}

async fn note(store: &Store, errand: &Errand<'_>, done: &Reprocessed) -> Result<(), StoreError> {
    if done.applied + done.held + done.dead == 0 {
        return Ok(());
    }
    let mut deed = NewOperation::new(Action::Reprocess, errand.actor, (errand.clock)());
    deed.notify_type = Some(errand.notify_type.0);
    let deed = deed.with_detail(&format!(
        "{} applied, {} held, {} dead",
        done.applied, done.held, done.dead
    ));
    store
        .with(async |conn| operations::record(conn, &[deed]).await)
        .await
}

async fn take_in(store: &Store, errand: &Errand<'_>, plan: Plan) -> Result<Outcome, StoreError> {
    store
        .racing(async |conn| transaction::run(conn, &plan, errand.clock, errand.rules).await)
        .await
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
        notice: notice.into(),
    };
    Ok((arrival.notice.insure_num.clone(), arrival))
}

impl Reprocessed {
    fn add(&mut self, other: Self) {
        self.applied += other.applied;
        self.held += other.held;
        self.dead += other.dead;
        self.refused += other.refused;
        let room = EXAMPLES.saturating_sub(self.refused_examples.len());
        self.refused_examples
            .extend(other.refused_examples.into_iter().take(room));
    }

    fn note_refused(&mut self, name: &str, error: &StoreError) {
        self.refused += 1;
        if self.refused_examples.len() < EXAMPLES {
            self.refused_examples.push(format!("{name}: {error}"));
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        self.dead += outcome.dead;
        for (_, verdict) in &outcome.verdicts {
            match verdict {
                DeliveryOutcome::Applied => self.applied += 1,
                DeliveryOutcome::Held(_) => self.held += 1,
                DeliveryOutcome::Duplicate | DeliveryOutcome::Rejected(_) => {}
            }
        }
    }
}
