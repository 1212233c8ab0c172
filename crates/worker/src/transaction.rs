//! THE transaction: lock the proposals in a fixed order, load their ledgers, decide, write what has changed, commit.
//!
//! Everything that touches a proposal goes through here (a batch of deliveries, a sweep of what is due, a reissue
//! link, a release by hand), so the rules that keep workers apart are in one place.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel_async::{AsyncConnection, AsyncMysqlConnection};
use xiebao_core::id::{Digest, InsureNum};
use xiebao_core::ledger::{Arrival, Entry, Ledger, Link, Novelty};
use xiebao_core::rows::{Changes, Rows};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::Verdict;

use crate::store::business::{self, ProposalChanges};
use crate::store::dead_letters::{self, NewDeadLetter};
use crate::store::links::{self, PendingLink};
use crate::store::notices::{self, Known, NoticeRow};
use crate::store::{StoreError, holds, locks};

/// What is to be done with one proposal. All of it settles what is due besides.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// Deliveries in order of arrival, each with the caller's mark for its verdict.
    pub arrivals: Vec<(usize, Arrival)>,
    pub links: Vec<Link>,
    /// Held notices that a person lets go.
    pub releases: Vec<Digest>,
    /// The sweeper found it in `holds`: that row is written anew, whatever it says.
    pub swept: bool,
}

/// What one transaction is to do. Proposals are locked in the map's order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub tasks: BTreeMap<InsureNum, Task>,
    /// Notices kept without being applied.
    pub ignored: Vec<NoticeRow>,
}

/// What a committed transaction has done.
#[derive(Debug, Default)]
pub struct Outcome {
    pub verdicts: Vec<(usize, Verdict)>,
    /// Reissue links that are to be delivered, in a transaction of their own.
    pub links: Vec<PendingLink>,
    /// Held notices that went because what they waited for came.
    pub released: usize,
    /// Held notices that went although it did not: applied.
    pub timed_out: usize,
    /// Held notices that became dead letters because it did not.
    pub dead: usize,
    /// Held notices that a person let go.
    pub let_go: usize,
    /// Proposals that were looked at.
    pub settled: usize,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
        self.links.extend(other.links);
        self.released += other.released;
        self.timed_out += other.timed_out;
        self.dead += other.dead;
        self.let_go += other.let_go;
        self.settled += other.settled;
    }
}

/// Runs the plan. On an error nothing was done.
pub async fn run(
    conn: &mut AsyncMysqlConnection,
    plan: &Plan,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    conn.transaction(async |conn| {
        let proposals: Vec<&InsureNum> = plan.tasks.keys().collect();
        locks::acquire(conn, &proposals).await?;
        carry_out(conn, plan, now, rules).await
    })
    .await
}

/// Lets go what is due in those of the proposals that no other worker is busy with.
pub async fn settle_free(
    conn: &mut AsyncMysqlConnection,
    due: &[InsureNum],
    now: DateTime<Utc>,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    conn.transaction(async |conn| {
        let free = locks::acquire_free(conn, due).await?;
        let swept = |num| {
            (
                num,
                Task {
                    swept: true,
                    ..Task::default()
                },
            )
        };
        let tasks = free.into_iter().map(swept).collect();
        carry_out(
            conn,
            &Plan {
                tasks,
                ignored: vec![],
            },
            now,
            rules,
        )
        .await
    })
    .await
}

/// Everything that [`run`] does, and then a rollback: whether the database would take it.
pub async fn rehearse(
    conn: &mut AsyncMysqlConnection,
    plan: &Plan,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Result<(), StoreError> {
    let rehearsal = conn
        .transaction(async |conn| {
            let proposals: Vec<&InsureNum> = plan.tasks.keys().collect();
            let played = async {
                locks::acquire(conn, &proposals).await?;
                carry_out(conn, plan, now, rules).await
            };
            // An error even when all went well: it is what makes the transaction roll back.
            Err::<(), Rehearsal>(Rehearsal(played.await.map(drop)))
        })
        .await;
    match rehearsal {
        Ok(()) => Ok(()),
        Err(Rehearsal(result)) => result,
    }
}

struct Rehearsal(Result<(), StoreError>);

impl From<diesel::result::Error> for Rehearsal {
    fn from(error: diesel::result::Error) -> Self {
        Self(Err(error.into()))
    }
}

async fn carry_out(
    conn: &mut AsyncMysqlConnection,
    plan: &Plan,
    now: DateTime<Utc>,
    rules: &Rules,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let mut writes = Writes::default();
    let mut ledgers = load(conn, plan.tasks.keys()).await?;
    for (num, task) in &plan.tasks {
        let Some(ledger) = ledgers.remove(num) else {
            continue;
        };
        decide(ledger, task, now, rules, &mut writes, &mut outcome);
    }
    writes.write(conn).await?;
    notices::keep_ignored(conn, &plan.ignored).await?;
    Ok(outcome)
}

/// Loads the ledgers of proposals; those never heard of are empty.
pub async fn load(
    conn: &mut AsyncMysqlConnection,
    proposals: impl Iterator<Item = &InsureNum>,
) -> Result<BTreeMap<InsureNum, Ledger>, StoreError> {
    let mut ledgers: BTreeMap<InsureNum, Ledger> = proposals
        .map(|num| (num.clone(), Ledger::empty(num.clone())))
        .collect();
    let names: Vec<InsureNum> = ledgers.keys().cloned().collect();
    let names: Vec<&InsureNum> = names.iter().collect();
    if names.is_empty() {
        return Ok(ledgers);
    }
    for row in notices::of_proposals(conn, &names).await? {
        let Ok(Some(num)) = InsureNum::parse(&row.insure_num) else {
            continue;
        };
        let Some(ledger) = ledgers.get_mut(&num) else {
            continue;
        };
        match row.read()? {
            Known::Entry(entry) => {
                ledger.owner = Some(entry.notice.partner_id);
                ledger.entries.push(*entry);
            }
            Known::Ignored(ignored) => ledger.ignored.push(ignored),
        }
    }
    for pending in links::leading_to(conn, &names).await? {
        if let Some(ledger) = ledgers.get_mut(&pending.new_insure_num) {
            ledger.links.push(pending.link);
        }
    }
    Ok(ledgers)
}

/// Runs one proposal's task on its ledger and notes what is to be written.
fn decide(
    mut ledger: Ledger,
    task: &Task,
    now: DateTime<Utc>,
    rules: &Rules,
    writes: &mut Writes,
    outcome: &mut Outcome,
) {
    let before = Rows::of(&ledger);
    let was_due = ledger.due_at();
    let held_before: Vec<Digest> = ledger.held().map(|entry| entry.notice.digest.clone()).collect();
    for link in &task.links {
        ledger.link(link.clone(), now, rules);
    }
    for digest in &task.releases {
        outcome.let_go += usize::from(ledger.release(digest, now, rules));
    }
    for (mark, arrival) in &task.arrivals {
        let verdict = ledger.deliver(arrival.clone(), now, rules);
        outcome.verdicts.push((*mark, verdict));
    }
    ledger.settle(now, rules);
    count_releases(&ledger, &held_before, outcome);
    writes.note(&ledger, task, &before, was_due, now);
    outcome.links.extend(
        writes
            .posts
            .iter()
            .filter(|post| post.link.reissued_from == ledger.insure_num)
            .cloned(),
    );
}

fn count_releases(ledger: &Ledger, held_before: &[Digest], outcome: &mut Outcome) {
    outcome.dead += ledger.rejected.len();
    for entry in ledger
        .applied()
        .filter(|entry| held_before.contains(&entry.notice.digest))
    {
        if entry.out_of_order {
            outcome.timed_out += 1;
        } else {
            outcome.released += 1;
        }
    }
}

/// What a transaction has to write, table by table.
#[derive(Default)]
struct Writes {
    notices: Vec<NoticeRow>,
    removed: Vec<(InsureNum, Entry)>,
    dead: Vec<NewDeadLetter>,
    changes: Vec<ProposalChanges>,
    links: Vec<PendingLink>,
    posts: Vec<PendingLink>,
    due: Vec<(InsureNum, DateTime<Utc>)>,
    undue: Vec<InsureNum>,
    applied: Vec<String>,
}

impl Writes {
    fn note(
        &mut self,
        ledger: &Ledger,
        task: &Task,
        before: &Rows,
        was_due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let num = &ledger.insure_num;
        for entry in ledger
            .entries
            .iter()
            .filter(|entry| entry.novelty != Novelty::Stored)
        {
            self.notices.push(NoticeRow::of_entry(num, entry));
            if entry.is_applied() {
                self.applied.push(entry.notice.digest.to_string());
            }
        }
        for (entry, rejection) in &ledger.rejected {
            if entry.novelty != Novelty::New {
                self.removed.push((num.clone(), entry.clone()));
            }
            self.dead.push(NewDeadLetter::of_entry(entry, rejection, now));
        }
        let changes = Changes::between(before, &Rows::of(ledger));
        let post = |(new, partner): &(InsureNum, _)| PendingLink {
            new_insure_num: new.clone(),
            link: Link {
                reissued_from: num.clone(),
                partner_id: *partner,
            },
        };
        self.posts.extend(changes.reissues.upserts.iter().map(post));
        self.changes.push(ProposalChanges {
            insure_num: num.clone(),
            changes,
        });
        let incoming = |link: &Link| PendingLink {
            new_insure_num: num.clone(),
            link: link.clone(),
        };
        self.links.extend(task.links.iter().map(incoming));
        match ledger.due_at() {
            Some(due) if task.swept || was_due != Some(due) => self.due.push((num.clone(), due)),
            None if task.swept || was_due.is_some() => self.undue.push(num.clone()),
            _ => {}
        }
    }

    async fn write(&self, conn: &mut AsyncMysqlConnection) -> Result<(), StoreError> {
        notices::write(conn, &self.notices).await?;
        for (num, entry) in &self.removed {
            notices::remove(conn, num, entry).await?;
        }
        business::write(conn, &self.changes).await?;
        links::store(conn, &self.links).await?;
        links::post(conn, &self.posts).await?;
        let due: Vec<_> = self.due.iter().map(|(num, at)| (num, *at)).collect();
        holds::set(conn, &due).await?;
        holds::clear(conn, &self.undue.iter().collect::<Vec<_>>()).await?;
        dead_letters::close_applied(conn, &self.applied).await?;
        dead_letters::insert(conn, &self.dead).await
    }
}
