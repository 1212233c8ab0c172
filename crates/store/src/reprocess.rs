//! Takes in ignored notices once their type is subscribed, as deliveries with their original times. A notice that
//! cannot be applied becomes a dead letter. Each page is a transaction, so a run can be interrupted.

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

/// Maximum number of refused notices reported one by one.
const EXAMPLES: usize = 20;

/// The numbers of ignored notices by their result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reprocessed {
    /// Applied notices.
    pub applied: usize,
    /// Notices that wait for another one now.
    pub held: usize,
    /// Notices that became dead letters.
    pub dead: usize,
    /// Left as they are because their bodies were pruned.
    pub pruned: i64,
    /// Skipped because their proposal cannot be read or the database refuses them.
    pub refused: usize,
    /// The first of them: proposal, digest and error.
    pub refused_examples: Vec<String>,
}

/// Options of a run.
#[derive(Debug, Clone, Copy)]
pub struct ReprocessOptions<'e> {
    /// The type to take in.
    pub notify_type: NotifyType,
    /// The rules to decide by.
    pub rules: &'e Rules,
    /// The person who runs it, recorded once a page.
    pub actor: &'e str,
    /// The current time.
    pub clock: Clock,
}

/// Takes in all ignored notices of that type. The tally grows page by page, so after an error it holds the work done
/// before it.
pub async fn run(
    store: &Store,
    options: &ReprocessOptions<'_>,
    all: &mut Reprocessed,
) -> Result<(), StoreError> {
    let mut after = (String::new(), String::new());
    loop {
        let page = store
            .with(async |conn| notices::ignored_of_type(conn, options.notify_type, &after, AT_ONCE).await)
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.insure_num.clone(), last.digest.clone());
        let (pruned, page): (Vec<NoticeRow>, Vec<_>) =
            page.into_iter().partition(|row| row.emptied_at().is_some());
        all.pruned += pruned.len() as i64;
        let mut done = Reprocessed::default();
        let ended = take_in_page(store, options, page, &mut done).await;
        let noted = note(store, options, &done).await;
        all.add(done);
        ended.and(noted)?;
    }
}

/// Takes in a page. If something in it is refused, takes in each of its notices alone.
async fn take_in_page(
    store: &Store,
    options: &ReprocessOptions<'_>,
    page: Vec<NoticeRow>,
    done: &mut Reprocessed,
) -> Result<(), StoreError> {
    match take_in(store, options, plan(page.clone())).await {
        Ok(outcome) => return finish(store, options, outcome, done).await,
        Err(error) if error.may_be_permanent() => {}
        Err(error) => return Err(error),
    }
    for row in page {
        let name = format!("{}, {}", row.insure_num, row.digest);
        match take_in(store, options, plan(vec![row])).await {
            Ok(outcome) => finish(store, options, outcome, done).await?,
            Err(error) if error.may_be_permanent() => done.note_refused(&name, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Counts the result and delivers the links that follow from it. A refused link stays in the outbox, where the worker
/// retries it.
async fn finish(
    store: &Store,
    options: &ReprocessOptions<'_>,
    outcome: Outcome,
    done: &mut Reprocessed,
) -> Result<(), StoreError> {
    done.count(&outcome);
    match linking::deliver(store, options.rules, options.clock, outcome.links, |_| {}).await {
        Err(error) if error.may_be_permanent() => Ok(()),
        result => result,
    }
}

async fn note(store: &Store, options: &ReprocessOptions<'_>, done: &Reprocessed) -> Result<(), StoreError> {
    if done.applied + done.held + done.dead == 0 {
        return Ok(());
    }
    let mut operation = NewOperation::new(Action::Reprocess, options.actor, (options.clock)());
    operation.notify_type = Some(options.notify_type.0);
    let operation = operation.with_detail(&format!(
        "{} applied, {} held, {} dead",
        done.applied, done.held, done.dead
    ));
    store
        .with(async |conn| operations::record(conn, &[operation]).await)
        .await
}

async fn take_in(store: &Store, options: &ReprocessOptions<'_>, plan: Plan) -> Result<Outcome, StoreError> {
    store
        .racing(async |conn| transaction::run(conn, &plan, options.clock, options.rules).await)
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

/// The delivery that the row was made from, marked as redelivered, so that it is not counted again.
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
