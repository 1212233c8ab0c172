use chrono::{DateTime, Utc};
use xiebao_core::id::{Digest, InsureNum, NotifyType, PartnerId};
use xiebao_core::ledger::{Arrival, Entry, Ledger, Link, Pruned, WriteState};
use xiebao_core::reason::Rejection;
use xiebao_core::rows::{Changes, Rows};

use super::Task;
use super::fast_path::InboxOnly;
use super::stored::Stored;
use crate::sql::attempts::{self, NewAttempt};
use crate::sql::business::{self, ProposalChanges};
use crate::sql::dead_letters::{self, NewDeadLetter};
use crate::sql::holds;
use crate::sql::links::{self, PendingLink};
use crate::sql::notices::{self, NoticeRow};
use crate::sql::operations::{self, NewOperation};
use crate::{Connection, StoreError};

/// The writes of a transaction, table by table.
#[derive(Default)]
pub(super) struct Writes {
    notices: Vec<Entry>,
    /// Rows that were not parsed and whose copies have arrived.
    copied: Vec<NoticeRow>,
    removed: Vec<(InsureNum, Entry)>,
    refused: Vec<Arrival>,
    copied_pruned: Vec<(InsureNum, Pruned)>,
    /// Pruned proposals, with the proposal that each replaces now.
    relinked: Vec<(InsureNum, Option<InsureNum>)>,
    dead: Vec<NewDeadLetter>,
    changes: Vec<ProposalChanges>,
    links: Vec<PendingLink>,
    unlinks: Vec<PendingLink>,
    operations: Vec<NewOperation>,
    pub posts: Vec<PendingLink>,
    due: Vec<(InsureNum, DateTime<Utc>)>,
    undue: Vec<InsureNum>,
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
            .filter(|entry| entry.write_state != WriteState::Stored)
        {
            self.notices.push(entry.clone());
        }
        for (entry, rejection) in &ledger.rejected {
            if entry.write_state != WriteState::New {
                self.removed.push((num.clone(), entry.clone()));
            }
            self.dead.push(NewDeadLetter::of_entry(entry, rejection, now));
        }
        let copies = ledger.pruned.iter().filter(|known| known.deliveries_changed);
        self.copied_pruned
            .extend(copies.map(|known| (num.clone(), known.clone())));
        if ledger.lost_nothing() {
            let changes = Changes::between(before, &Rows::of(ledger));
            self.post(num, before, &changes);
            self.changes.push(ProposalChanges {
                insure_num: num.clone(),
                changes,
            });
        } else {
            self.note_relinked(ledger, before);
        }
        let (unlinks, links): (Vec<_>, Vec<_>) = task.pending_links(num).partition(|link| link.withdrawn);
        self.links.extend(links);
        self.unlinks.extend(unlinks);
        match ledger.due_at() {
            Some(due) if task.swept || was_due != Some(due) => self.due.push((num.clone(), due)),
            None if task.swept || was_due.is_some() => self.undue.push(num.clone()),
            _ => {}
        }
    }

    pub fn note_inbox_only(&mut self, num: &InsureNum, stored: Stored, inbox: InboxOnly) {
        for (mut row, deliveries) in stored.rows.into_iter().zip(inbox.deliveries) {
            if let Some(deliveries) = deliveries {
                row.set_deliveries(&deliveries);
                self.copied.push(row);
            }
        }
        self.notices.extend(inbox.new);
        self.due.extend(inbox.due.map(|due| (num.clone(), due)));
    }

    /// For a pruned proposal only the column that follows from its links is recomputed.
    fn note_relinked(&mut self, ledger: &Ledger, before: &Rows) {
        let replaces = |rows: &Rows| rows.proposals.get(&()).and_then(|row| row.reissued_from.clone());
        let now_replaces = replaces(&Rows::of(ledger));
        if now_replaces != replaces(before) {
            self.relinked.push((ledger.insure_num.clone(), now_replaces));
        }
    }

    /// Records an operation of a person on one notice.
    pub fn operation(&mut self, operation: &NewOperation, ledger: &Ledger, digest: &Digest) {
        let notice = ledger.entries.iter().find(|entry| entry.notice.digest == *digest);
        let mut operation = operation.clone();
        operation.notify_type = notice.map(|entry| entry.notice.step.notify_type().0);
        operation.digest = Some(digest.to_string());
        self.operations.push(operation);
    }

    /// Turns an ignored notice that cannot be applied into a dead letter.
    pub fn refuse(&mut self, arrival: &Arrival, rejection: &Rejection, now: DateTime<Utc>) {
        let notice = &arrival.notice;
        let mut letter = NewDeadLetter::of_bytes(&arrival.raw, rejection, now);
        letter.digest = notice.digest.to_string();
        letter.insure_num = Some(notice.insure_num.to_string());
        letter.partner_id = Some(notice.partner_id.0);
        letter.notify_type = Some(notice.step.notify_type().0);
        letter.received_at = arrival.received_at.naive_utc();
        self.dead.push(letter);
        self.refused.push(arrival.clone());
    }

    /// Turns an ignored notice that cannot be read into a dead letter; `false` if it is no longer ignored.
    pub async fn refuse_row(
        &mut self,
        conn: &mut Connection,
        row: &NoticeRow,
        rejection: &Rejection,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let notify_type = NotifyType(row.notify_type);
        if !notices::remove_ignored(conn, &row.insure_num, notify_type, &row.digest).await? {
            return Ok(false);
        }
        let mut letter = NewDeadLetter::of_bytes(&row.raw, rejection, now);
        letter.digest.clone_from(&row.digest);
        letter.insure_num = Some(row.insure_num.clone()).filter(|number| !number.is_empty());
        letter.partner_id = Some(row.partner_id);
        letter.notify_type = Some(row.notify_type);
        letter.received_at = row.received_at;
        self.dead.push(letter);
        Ok(true)
    }

    /// Posts new links, and withdraws links that no counted notice states any longer.
    fn post(&mut self, num: &InsureNum, before: &Rows, changes: &Changes) {
        let post = |new: &InsureNum, partner_id: PartnerId, withdrawn| PendingLink {
            new_insure_num: new.clone(),
            link: Link {
                reissued_from: num.clone(),
                partner_id,
            },
            withdrawn,
        };
        let stated = changes.reissues.upserts.iter();
        self.posts
            .extend(stated.map(|(new, partner)| post(new, *partner, false)));
        let withdrawn = changes.reissues.deletes.iter();
        let withdrawn = withdrawn.filter_map(|new| Some((new, *before.reissues.get(new)?)));
        self.posts
            .extend(withdrawn.map(|(new, partner)| post(new, partner, true)));
    }

    pub async fn write(&self, conn: &mut Connection) -> Result<(), StoreError> {
        notices::write(conn, &self.notices, &self.copied).await?;
        for (num, entry) in &self.removed {
            notices::remove(conn, num, entry).await?;
        }
        for (num, known) in &self.copied_pruned {
            notices::recount(conn, num, known).await?;
        }
        for Arrival { notice, .. } in &self.refused {
            let (number, digest) = (notice.insure_num.as_str(), notice.digest.as_str());
            notices::remove_ignored(conn, number, notice.step.notify_type(), digest).await?;
        }
        business::write(conn, &self.changes).await?;
        for (num, replaces) in &self.relinked {
            business::set_reissued_from(conn, num, replaces.as_ref()).await?;
        }
        links::store(conn, &self.links).await?;
        links::forget(conn, &self.unlinks).await?;
        links::post(conn, &self.posts).await?;
        operations::record(conn, &self.operations).await?;
        let due: Vec<_> = self.due.iter().map(|(num, at)| (num, *at)).collect();
        holds::set(conn, &due).await?;
        holds::clear(conn, &self.undue.iter().collect::<Vec<_>>()).await?;
        dead_letters::close_applied(conn, &self.applied()).await?;
        dead_letters::insert(conn, &self.dead).await?;
        // Held notices that timed out and refused ignored ones have had one attempt.
        let attempts: Vec<_> = self.dead.iter().map(NewAttempt::of_letter).collect();
        attempts::insert(conn, &attempts).await
    }

    /// The digests of the notices that are applied now, including those with a new copy only.
    fn applied(&self) -> Vec<&str> {
        let entries = self.notices.iter().filter(|entry| entry.is_applied());
        let rows = self.copied.iter().filter(|row| row.is_applied());
        entries
            .map(|entry| entry.notice.digest.as_str())
            .chain(rows.map(|row| row.digest.as_str()))
            .collect()
    }
}
