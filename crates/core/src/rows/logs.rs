//! Endorsements and abnormalities: one row an occurrence.

use super::{AbnormalityRow, EndorsementRow, LogKey, Rows};
use crate::facts::Fact;
use crate::ledger::{Entry, Ledger};

impl Rows {
    /// Occurrences are numbered anew, by when they were first received: the number of an entry tells when it
    /// arrived. Rows of one digest are equal but for their number, so that it may pass to another entry.
    pub(super) fn add_logs(&mut self, ledger: &Ledger) {
        let mut logged: Vec<&Entry> = ledger.counted().filter(|entry| is_logged(entry)).collect();
        logged.sort_by(|a, b| place(a).cmp(&place(b)));
        for copies in logged.chunk_by(|a, b| a.notice.digest == b.notice.digest) {
            for (occurrence, entry) in (1..).zip(distinct(copies)) {
                self.add_log(entry, occurrence);
            }
        }
    }

    fn add_log(&mut self, entry: &Entry, occurrence: i32) {
        let notice = &entry.notice;
        let key = LogKey {
            digest: notice.digest.clone(),
            occurrence,
        };
        match &notice.fact {
            Fact::Endorsement(endorsement) => {
                let row = EndorsementRow {
                    status: endorsement.status,
                    success: notice.success,
                    msg: endorsement.msg.clone(),
                    remark: endorsement.remark.clone(),
                };
                self.endorsements.insert(key, row);
            }
            Fact::Abnormality(abnormality) => {
                let row = AbnormalityRow {
                    fail_msg: abnormality.fail_msg.clone(),
                };
                self.abnormalities.insert(key, row);
            }
            _ => {}
        }
    }
}

fn is_logged(entry: &Entry) -> bool {
    matches!(entry.notice.fact, Fact::Endorsement(_) | Fact::Abnormality(_))
}

fn place(entry: &Entry) -> impl Ord + '_ {
    (
        entry.notice.digest.as_str(),
        entry.receipts.first,
        entry.occurrence,
    )
}

/// Without those that turned out to be the same occurrence as one received before: their receipts meet.
fn distinct<'l>(copies: &[&'l Entry]) -> impl Iterator<Item = &'l Entry> {
    let mut reached = None;
    copies.iter().copied().filter(move |entry| {
        let continued = reached.is_some_and(|last| last >= entry.receipts.first);
        reached = reached.max(Some(entry.receipts.last));
        !continued
    })
}
