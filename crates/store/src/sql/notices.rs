//! The inbox: every distinct notice once.

mod copies;
mod entry_row;
mod held;
mod outcome;
mod pages;
mod stored_notice;

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Datetime, Nullable};
use diesel_async::RunQueryDsl;
use xiebao_core::envelope::Envelope;
use xiebao_core::facts::Notice;
use xiebao_core::id::{Digest, InsureNum, NotifyType, PartnerId};
use xiebao_core::ledger::{Deliveries, Entry, Ignored, Pruned, WriteState};

pub use copies::recount;
pub use held::{HeldRow, held, held_by_digest};
pub use outcome::NoticeOutcome;
pub use pages::{
    applied_by_digest, count_ignored, counted_of_type, ignored_of_type, proposals, proposals_with_type,
    remove_ignored,
};

use entry_row::{ChangedRow, EntryRow};

use super::bulk::{bulk_update, bulk_upsert_repeating};
use super::by_keys::{self, joined, numbers};
use crate::schema::notices;
use crate::{Cause, Connection, ROWS_PER_STATEMENT, StoreError};

/// Bytes of `raw` in one statement at most, well under the servers' usual `max_allowed_packet` of 16 MiB.
pub(crate) const BYTES_PER_STATEMENT: usize = 4 * 1024 * 1024;

/// A row of `notices`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = notices, check_for_backend(diesel::mysql::Mysql))]
pub struct NoticeRow {
    /// Proposal number.
    pub insure_num: String,
    /// `notifyType` of the platform.
    pub notify_type: i64,
    /// SHA-256 of the data, in 64 lower-case hex digits.
    pub digest: String,
    /// 1, 2, 3… by arrival.
    pub occurrence: i32,
    /// `partnerId` of the platform.
    pub partner_id: i64,
    /// Applied, held or ignored.
    pub outcome: NoticeOutcome,
    /// Position among the applied notices of the proposal, from 1.
    pub seq: Option<i64>,
    /// It was applied at its timeout, before a notice it waits for.
    pub out_of_order: bool,
    /// The body as received; empty if pruned.
    pub raw: Vec<u8>,
    /// UTC: first receipt.
    pub received_at: NaiveDateTime,
    /// UTC: last receipt.
    pub last_received_at: NaiveDateTime,
    /// Number of deliveries that count as receipts.
    pub deliveries: i64,
    /// UTC: when it was first held.
    pub held_at: Option<NaiveDateTime>,
    /// UTC: end of its wait.
    pub hold_until: Option<NaiveDateTime>,
    /// UTC: when it was applied.
    pub applied_at: Option<NaiveDateTime>,
    /// A person has taken it out of the facts.
    pub voided: bool,
    /// As stored; read it through [`emptied_at`](Self::emptied_at).
    pub pruned_at: Option<NaiveDateTime>,
}

/// True for rows whose body was not pruned: see [`NoticeRow::emptied_at`].
pub(crate) fn whole() -> SqlLiteral<Bool> {
    sql("(notices.pruned_at IS NULL OR notices.raw <> '')")
}

/// A row as the ledger of its proposal takes it.
pub enum Known {
    /// Applied or held, with its body.
    Entry(Box<Entry>),
    /// Kept as ignored.
    Ignored(Ignored),
    /// Applied, and its body was pruned.
    Pruned(Pruned),
}

impl NoticeRow {
    /// A notice whose type is not subscribed.
    pub fn of_ignored(envelope: &Envelope) -> Self {
        let received_at = envelope.received_at().naive_utc();
        Self {
            insure_num: envelope
                .insure_num()
                .map(InsureNum::to_string)
                .unwrap_or_default(),
            notify_type: envelope.notify_type().0,
            digest: envelope.digest().to_string(),
            occurrence: 1,
            partner_id: envelope.partner_id().0,
            outcome: NoticeOutcome::Ignored,
            seq: None,
            out_of_order: false,
            raw: envelope.body().to_vec(),
            received_at,
            last_received_at: received_at,
            deliveries: 1,
            held_at: None,
            hold_until: None,
            applied_at: None,
            voided: false,
            pruned_at: None,
        }
    }

    /// The time at which its body was pruned. A row with a body is whole whatever `pruned_at` says: an older release
    /// restores the body and leaves the time.
    pub fn emptied_at(&self) -> Option<NaiveDateTime> {
        self.pruned_at.filter(|_| self.raw.is_empty())
    }

    /// Parses the row for its ledger.
    pub fn read(mut self) -> Result<Known, StoreError> {
        let deliveries = self.deliveries();
        if self.outcome == NoticeOutcome::Ignored {
            let digest = Digest::parse(&self.digest).ok_or_else(|| self.unreadable("digest is none"))?;
            let notify_type = NotifyType(self.notify_type);
            return Ok(Known::Ignored(Ignored {
                notify_type,
                digest,
                occurrence: self.occurrence,
                deliveries,
            }));
        }
        if let Some(pruned_at) = self.emptied_at() {
            return self.read_pruned(pruned_at, deliveries).map(Known::Pruned);
        }
        let state = self
            .state()
            .ok_or_else(|| self.unreadable("outcome, seq and applied_at contradict each other"))?;
        let digest = Digest::parse(&self.digest).ok_or_else(|| self.unreadable("digest is none"))?;
        let raw = Bytes::from(std::mem::take(&mut self.raw));
        let notice = Notice::read_known(&raw, digest).map_err(|rejection| self.unreadable(rejection))?;
        Ok(Known::Entry(Box::new(Entry {
            notice: notice.into(),
            raw,
            occurrence: self.occurrence,
            state,
            hold: self.hold(),
            out_of_order: self.out_of_order,
            voided: self.voided,
            deliveries,
            write_state: WriteState::Stored,
        })))
    }

    fn read_pruned(&self, pruned_at: NaiveDateTime, deliveries: Deliveries) -> Result<Pruned, StoreError> {
        let (Some(seq), Some(applied_at)) = (self.seq, self.applied_at) else {
            return Err(self.unreadable("was pruned without having been applied"));
        };
        Ok(Pruned {
            notify_type: NotifyType(self.notify_type),
            digest: Digest::parse(&self.digest).ok_or_else(|| self.unreadable("digest is none"))?,
            occurrence: self.occurrence,
            partner_id: PartnerId(self.partner_id),
            seq,
            applied_at: applied_at.and_utc(),
            pruned_at: pruned_at.and_utc(),
            voided: self.voided,
            deliveries,
            deliveries_changed: false,
        })
    }

    pub(crate) fn unreadable(&self, cause: impl Into<Cause>) -> StoreError {
        let key = format!(
            "{}/{}/{}/{}",
            self.insure_num, self.notify_type, self.digest, self.occurrence
        );
        StoreError::Unreadable {
            table: "notices",
            key,
            cause: cause.into(),
        }
    }
}

/// All notices of these proposals.
pub async fn of_proposals(
    conn: &mut Connection,
    proposals: &[&InsureNum],
) -> Result<Vec<NoticeRow>, StoreError> {
    let rows = joined!("notices": text "insure_num");
    let rows = by_keys::select(NoticeRow::as_select(), rows, &numbers(proposals))?;
    Ok(rows.load(conn).await?)
}

/// Writes new and changed entries, and rows whose copies have arrived. The caller holds the locks of their proposals.
pub async fn write(conn: &mut Connection, entries: &[Entry], copied: &[NoticeRow]) -> Result<(), StoreError> {
    let (new, changed): (Vec<&Entry>, Vec<_>) = entries
        .iter()
        .partition(|entry| entry.write_state == WriteState::New);
    let new: Vec<_> = new.into_iter().map(EntryRow::of).collect();
    write_whole(conn, &new).await?;
    let changed = changed.into_iter().map(EntryRow::of);
    let changed: Vec<_> = changed.chain(copied.iter().map(EntryRow::of_row)).collect();
    let light: Vec<_> = changed.iter().map(ChangedRow::of).collect();
    for uncertain in bulk_update(conn, &light).await? {
        // A row that was deleted meanwhile would be inserted again without its body. A redelivered notice counts no
        // more than before, so its unchanged row looks the same.
        write_whole(conn, &changed[uncertain]).await?;
    }
    Ok(())
}

async fn write_whole(conn: &mut Connection, rows: &[EntryRow<'_>]) -> Result<(), StoreError> {
    for chunk in chunks(rows, EntryRow::weight) {
        bulk_upsert_repeating(conn, chunk, EntryRow::is_light).await?;
    }
    Ok(())
}

/// Stores ignored notices. A copy is counted and restores a pruned body. No lock is needed, because nothing depends on
/// them. A notice that was applied before its type was unsubscribed stays applied, and stays pruned.
pub async fn keep_ignored(conn: &mut Connection, rows: &[NoticeRow]) -> Result<(), StoreError> {
    for chunk in chunks(rows, |row| row.raw.len()) {
        diesel::insert_into(notices::table)
            .values(chunk)
            .on_conflict(diesel::dsl::DuplicatedKeys)
            .do_update()
            .set((
                // The order matters: each assignment sees the values set by those before it.
                notices::raw.eq(sql::<Binary>(
                    "IF(outcome = 'ignored' AND pruned_at IS NOT NULL AND raw = '', VALUES(raw), raw)",
                )),
                notices::pruned_at.eq(sql::<Nullable<Datetime>>(
                    "IF(outcome = 'ignored', NULL, pruned_at)",
                )),
                notices::deliveries.eq(notices::deliveries + 1),
                notices::received_at.eq(sql::<Datetime>("LEAST(received_at, VALUES(received_at))")),
                notices::last_received_at.eq(sql::<Datetime>(
                    "GREATEST(last_received_at, VALUES(last_received_at))",
                )),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Deletes held notices from the inbox.
pub async fn remove(conn: &mut Connection, num: &InsureNum, entry: &Entry) -> Result<(), StoreError> {
    let row = notices::table
        .filter(notices::insure_num.eq(num.as_str()))
        .filter(notices::notify_type.eq(entry.notice.step.notify_type().0))
        .filter(notices::digest.eq(entry.notice.digest.as_str()))
        .filter(notices::occurrence.eq(entry.occurrence));
    diesel::delete(row).execute(conn).await?;
    Ok(())
}

/// Splits the rows into chunks that fit one statement, by the size of their bodies.
fn chunks<R>(rows: &[R], weight: fn(&R) -> usize) -> impl Iterator<Item = &[R]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&R| {
            bytes += weight(row);
            bytes <= BYTES_PER_STATEMENT
        };
        let count = rest
            .iter()
            .take(ROWS_PER_STATEMENT)
            .take_while(fits)
            .count()
            .max(1)
            .min(rest.len());
        let (chunk, others) = rest.split_at(count);
        rest = others;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// UTC of a stored time.
pub fn utc(stored: Option<NaiveDateTime>) -> Option<DateTime<Utc>> {
    stored.map(|at| at.and_utc())
}
