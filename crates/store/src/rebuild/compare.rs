//! Compares the rows of some proposals with the computed ones, table by table.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::Serialize;
use serde_json::{Map, Value};
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Ledger;
use xiebao_core::rows::Rows;

use super::report::{Column, Difference, Kind, Report};
use crate::sql::bulk;
use crate::sql::business::{self, Derived, HoldRow, LinkRow, Record};
use crate::transaction::POSTPONED;
use crate::{Connection, StoreError};

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
        let ledgers: Vec<&Ledger> = ledgers.collect();
        let computed: Vec<_> = ledgers
            .iter()
            .map(|ledger| (&ledger.insure_num, Rows::of(ledger)))
            .collect();
        self.compare_business(&computed).await?;
        let holds = ledgers.iter().filter_map(|ledger| {
            Some(HoldRow {
                insure_num: ledger.insure_num.to_string(),
                due_at: ledger.due_at()?.naive_utc(),
            })
        });
        let holds = self.postponed(holds.collect()).await?;
        self.compare(holds).await
    }

    async fn compare_table<R: Derived>(&mut self, computed: &[(&InsureNum, Rows)]) -> Result<(), StoreError> {
        let of_proposal = |(num, rows): &(&InsureNum, Rows)| -> Vec<R> {
            R::rows(rows)
                .iter()
                .map(|(key, row)| R::of(num, key, row))
                .collect()
        };
        self.compare(computed.iter().flat_map(of_proposal).collect())
            .await
    }

    /// The sweeper postpones overdue proposals that cannot be settled, without the lock, beyond the time that the
    /// notices imply. That is no difference if the time is no later than the sweeper's next try.
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
            // Deletions first: to the database, keys that differ only in trailing blanks are equal.
            let extra: Vec<R::Key> = actual.into_keys().collect();
            R::delete(self.conn, &extra).await?;
            bulk::bulk_upsert(self.conn, &upserts).await?;
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

macro_rules! every_table {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = $pattern:tt $keys:tt $columns:tt
    )+) => {
        impl Tables<'_> {
            async fn compare_business(&mut self, computed: &[(&InsureNum, Rows)]) -> Result<(), StoreError> {
                $(self.compare_table::<business::$Record>(computed).await?;)+
                Ok(())
            }
        }
    };
}
xiebao_core::business_tables!(every_table);
