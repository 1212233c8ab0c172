//! One table at a time: what it holds of some proposals, and what it should.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::Serialize;
use serde_json::{Map, Value};
use xiebao_core::ledger::Ledger;
use xiebao_core::rows::Rows;

use super::report::{Column, Difference, Kind, Report};
use super::{
    Abnormality, Cancellation, Endorsement, InsuredPerson, LinkRow, Payment, Policy, Proposal, Record,
};
use crate::{Connection, StoreError};
use crate::sql::business::HoldRow;
use crate::sql::kept;
use crate::transaction::POSTPONED;

pub(super) struct Tables<'t> {
    pub conn: &'t mut Connection,
    pub names: &'t [&'t str],
    pub mend: bool,
    pub now: NaiveDateTime,
    pub report: &'t mut Report,
}

impl Tables<'_> {
    pub async fn compare_links(&mut self, wanted: Vec<LinkRow>) -> Result<(), StoreError> {
        self.compare(wanted).await
    }

    pub async fn compare_all(&mut self, ledgers: impl Iterator<Item = &Ledger>) -> Result<(), StoreError> {
        let mut wanted = Wanted::default();
        ledgers.for_each(|ledger| wanted.add(ledger));
        self.compare(wanted.proposals).await?;
        self.compare(wanted.payments).await?;
        self.compare(wanted.policies).await?;
        self.compare(wanted.persons).await?;
        self.compare(wanted.cancellations).await?;
        self.compare(wanted.endorsements).await?;
        self.compare(wanted.abnormalities).await?;
        let holds = self.postponed(wanted.holds).await?;
        self.compare(holds).await
    }

    /// What is overdue and can't be settled the sweeper puts off, without the lock, to a moment later than the notices
    /// say: no difference, as long as it is tried again as soon as the sweeper would.
    async fn postponed(&mut self, mut wanted: Vec<HoldRow>) -> Result<Vec<HoldRow>, StoreError> {
        let actual = HoldRow::read(self.conn, self.names).await?;
        let actual: BTreeMap<_, _> = actual
            .into_iter()
            .map(|row| (row.insure_num, row.due_at))
            .collect();
        for row in wanted.iter_mut().filter(|row| row.due_at <= self.now) {
            match actual.get(&row.insure_num) {
                Some(later) if *later > row.due_at && *later <= self.now + POSTPONED => row.due_at = *later,
                _ => {}
            }
        }
        Ok(wanted)
    }

    async fn compare<R: Record>(&mut self, wanted: Vec<R>) -> Result<(), StoreError> {
        let actual = R::read(self.conn, self.names).await?;
        self.report.known += (actual.len() + wanted.len()) as u64;
        let mut actual: BTreeMap<R::Key, R> = actual.into_iter().map(|row| (row.key(), row)).collect();
        let mut upserts = Vec::new();
        for row in wanted {
            let found = actual.remove(&row.key());
            if found.as_ref() != Some(&row) {
                self.report.note(R::TABLE, difference(found.as_ref(), &row));
                upserts.push(row);
            }
        }
        for row in actual.values() {
            let extra = Difference {
                kind: Kind::Extra,
                key: split(row).0,
                columns: vec![],
            };
            self.report.note(R::TABLE, extra);
        }
        if self.mend {
            // Deletions first: a key that differs in trailing blanks alone is the same to the database.
            let extra: Vec<R::Key> = actual.into_keys().collect();
            R::delete(self.conn, &extra).await?;
            kept::upsert(self.conn, &upserts).await?;
        }
        Ok(())
    }
}

fn difference<R: Record>(found: Option<&R>, wanted: &R) -> Difference {
    let (key, should_be) = split(wanted);
    let Some(found) = found else {
        return Difference {
            kind: Kind::Lost,
            key,
            columns: vec![],
        };
    };
    let (_, mut is) = split(found);
    let columns = should_be.into_iter().map(|(name, should_be)| Column {
        is: is.remove(&name).unwrap_or_default(),
        name,
        should_be,
    });
    let columns = columns.filter(|column| column.is != column.should_be).collect();
    Difference {
        kind: Kind::Differing,
        key,
        columns,
    }
}

/// The columns of the key, and the others.
fn split<R: Record + Serialize>(row: &R) -> (Map<String, Value>, Map<String, Value>) {
    let Ok(Value::Object(columns)) = serde_json::to_value(row) else {
        unreachable!("a row has columns");
    };
    columns
        .into_iter()
        .partition(|(name, _)| R::KEY.contains(&name.as_str()))
}

/// What the tables should hold, of many proposals.
#[derive(Default)]
struct Wanted {
    proposals: Vec<Proposal>,
    payments: Vec<Payment>,
    policies: Vec<Policy>,
    persons: Vec<InsuredPerson>,
    cancellations: Vec<Cancellation>,
    endorsements: Vec<Endorsement>,
    abnormalities: Vec<Abnormality>,
    holds: Vec<HoldRow>,
}

impl Wanted {
    fn add(&mut self, ledger: &Ledger) {
        let (num, rows) = (&ledger.insure_num, Rows::of(ledger));
        let Self {
            proposals,
            payments,
            policies,
            persons,
            ..
        } = self;
        proposals.extend(
            rows.proposals
                .iter()
                .map(|(key, row)| Proposal::of(num, key, row)),
        );
        payments.extend(rows.payments.iter().map(|(key, row)| Payment::of(num, key, row)));
        policies.extend(rows.policies.iter().map(|(key, row)| Policy::of(num, key, row)));
        let insured = rows.insured_persons.iter();
        persons.extend(insured.map(|(key, row)| InsuredPerson::of(num, key, row)));
        let Self {
            cancellations,
            endorsements,
            abnormalities,
            holds,
            ..
        } = self;
        let cancelled = rows.cancellations.iter();
        cancellations.extend(cancelled.map(|(key, row)| Cancellation::of(num, key, row)));
        endorsements.extend(
            rows.endorsements
                .iter()
                .map(|(key, row)| Endorsement::of(num, key, row)),
        );
        let abnormal = rows.abnormalities.iter();
        abnormalities.extend(abnormal.map(|(key, row)| Abnormality::of(num, key, row)));
        holds.extend(ledger.due_at().map(|due_at| HoldRow {
            insure_num: num.to_string(),
            due_at: due_at.naive_utc(),
        }));
    }
}
