use chrono::NaiveDateTime;
use diesel::QueryResult;
use diesel::mysql::Mysql;
use diesel::query_builder::AstPass;
use xiebao_core::ledger::{Entry, State};

use super::{NoticeOutcome, NoticeRow};
use crate::schema::notices;
use crate::sql::bulk::{Row, bulk_row, on_duplicate};

/// An entry to write, or a stored row whose deliveries have changed.
#[derive(Clone, Copy)]
pub(super) struct EntryRow<'e> {
    insure_num: &'e str,
    notify_type: i64,
    digest: &'e str,
    occurrence: i32,
    partner_id: i64,
    outcome: &'e str,
    seq: Option<i64>,
    out_of_order: bool,
    raw: &'e [u8],
    received_at: NaiveDateTime,
    last_received_at: NaiveDateTime,
    deliveries: i64,
    held_at: Option<NaiveDateTime>,
    hold_until: Option<NaiveDateTime>,
    applied_at: Option<NaiveDateTime>,
    voided: bool,
}

// `raw` is updated too: if the notice was ignored before, its stored body may be spelled differently or may have been
// pruned.
bulk_row!(EntryRow<'_> => notices {
    insure_num, notify_type, digest, occurrence, partner_id, outcome, seq, out_of_order, raw, received_at,
    last_received_at, deliveries, held_at, hold_until, applied_at, voided,
} updating {
    outcome, seq, out_of_order, raw, received_at, last_received_at, deliveries, held_at, hold_until, applied_at, voided,
} clearing { pruned_at });

/// An entry whose row exists: its body stays and is not sent again.
pub(super) struct ChangedRow<'e>(EntryRow<'e>);

impl<'e> ChangedRow<'e> {
    pub(super) fn of(row: &EntryRow<'e>) -> Self {
        Self(EntryRow { raw: &[], ..*row })
    }
}

impl Row for ChangedRow<'_> {
    const INSERT: &'static str = EntryRow::INSERT;
    const UPDATE: &'static str = on_duplicate!(
        outcome,
        seq,
        out_of_order,
        received_at,
        last_received_at,
        deliveries,
        held_at,
        hold_until,
        applied_at,
        voided
    );

    fn bind<'b>(&'b self, out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        self.0.bind(out)
    }
}

/// Largest `raw`, in bytes, of a row that may be repeated in a statement.
const LIGHT: usize = 4 * 1024;

impl<'e> EntryRow<'e> {
    pub(super) fn weight(&self) -> usize {
        self.raw.len()
    }

    pub(super) fn is_light(&self) -> bool {
        self.weight() <= LIGHT
    }

    pub(super) fn of(entry: &'e Entry) -> Self {
        let (outcome, seq, applied_at) = match entry.state {
            State::Applied { seq, at } => (NoticeOutcome::Applied.name(), Some(seq), Some(at.naive_utc())),
            State::Held => (NoticeOutcome::Held.name(), None, None),
        };
        Self {
            insure_num: entry.notice.insure_num.as_str(),
            notify_type: entry.notice.step.notify_type().0,
            digest: entry.notice.digest.as_str(),
            occurrence: entry.occurrence,
            partner_id: entry.notice.partner_id.0,
            outcome,
            seq,
            out_of_order: entry.out_of_order,
            raw: &entry.raw,
            received_at: entry.deliveries.first.naive_utc(),
            last_received_at: entry.deliveries.last.naive_utc(),
            deliveries: entry.deliveries.count,
            held_at: entry.hold.map(|hold| hold.at.naive_utc()),
            hold_until: entry.hold.map(|hold| hold.until.naive_utc()),
            applied_at,
            voided: entry.voided,
        }
    }

    pub(super) fn of_row(row: &'e NoticeRow) -> Self {
        Self {
            insure_num: &row.insure_num,
            notify_type: row.notify_type,
            digest: &row.digest,
            occurrence: row.occurrence,
            partner_id: row.partner_id,
            outcome: row.outcome.name(),
            seq: row.seq,
            out_of_order: row.out_of_order,
            raw: &row.raw,
            received_at: row.received_at,
            last_received_at: row.last_received_at,
            deliveries: row.deliveries,
            held_at: row.held_at,
            hold_until: row.hold_until,
            applied_at: row.applied_at,
            voided: row.voided,
        }
    }
}
