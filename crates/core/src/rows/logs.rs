//! The logs, `endorsements` and `abnormalities`: one row an occurrence.

use super::{AbnormalityRow, EndorsementRow, LogKey, Rows};
use crate::facts::Fact;
use crate::ledger::{Entry, Ledger};

impl Rows {
    /// Numbers the occurrences by first receipt, because the number of an entry depends on the order of arrival. Rows with the same
    /// digest differ only in their number, so a number can move to another entry.
    pub(super) fn add_logs(&mut self, ledger: &Ledger) {
        let mut logged: Vec<&Entry> = ledger.counted().filter(|entry| is_logged(entry)).collect();
        logged.sort_by(|a, b| log_order(a).cmp(&log_order(b)));
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

fn log_order(entry: &Entry) -> impl Ord + '_ {
    (
        entry.notice.digest.as_str(),
        entry.deliveries.first,
        entry.occurrence,
    )
}

/// Leaves out an entry whose first receipt is not after the last receipt of the entries before it: they are one occurrence.
fn distinct<'l>(copies: &[&'l Entry]) -> impl Iterator<Item = &'l Entry> {
    let mut reached = None;
    copies.iter().copied().filter(move |entry| {
        let continued = reached.is_some_and(|last| last >= entry.deliveries.first);
        reached = reached.max(Some(entry.deliveries.last));
        !continued
    })
}
