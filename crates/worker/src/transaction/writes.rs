use chrono::{DateTime, Utc};
use diesel_async::AsyncMysqlConnection;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::{Entry, Ledger, Link, Novelty};
use xiebao_core::rows::{Changes, Rows};

use super::Task;
use crate::store::attempts::{self, NewAttempt};
use crate::store::business::{self, ProposalChanges};
use crate::store::dead_letters::{self, NewDeadLetter};
use crate::store::links::{self, PendingLink};
use crate::store::notices::{self, NoticeRow};
use crate::store::{StoreError, holds};

/// What a transaction has to write, table by table.
#[derive(Default)]
pub(super) struct Writes {
    notices: Vec<NoticeRow>,
    removed: Vec<(InsureNum, Entry)>,
    dead: Vec<NewDeadLetter>,
    changes: Vec<ProposalChanges>,
    links: Vec<PendingLink>,
    pub posts: Vec<PendingLink>,
    due: Vec<(InsureNum, DateTime<Utc>)>,
    undue: Vec<InsureNum>,
    applied: Vec<String>,
}

impl Writes {
    pub fn note(
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

    pub async fn write(&self, conn: &mut AsyncMysqlConnection) -> Result<(), StoreError> {
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
        dead_letters::insert(conn, &self.dead).await?;
        // Held notices that timed out: their one attempt is the wait.
        let attempts: Vec<_> = self.dead.iter().map(NewAttempt::of_letter).collect();
        attempts::insert(conn, &attempts).await
    }
}
