use chrono::{DateTime, Utc};
use xiebao_core::ledger::{Deliveries, Entry};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::{DeliveryOutcome, InboxView};

use super::Task;
use super::stored::Stored;

/// The result of a task that changes the inbox only: deliveries that must wait, and copies. Half of a backlog in
/// arbitrary order is of this kind, and it is handled without parsing bodies or computing rows.
pub(super) struct InboxOnly {
    pub verdicts: Vec<(usize, DeliveryOutcome)>,
    /// For each stored row, its new deliveries if copies of it have arrived.
    pub deliveries: Vec<Option<Deliveries>>,
    pub new: Vec<Entry>,
    /// The end of the earliest wait, if it has changed.
    pub due: Option<DateTime<Utc>>,
}

impl InboxOnly {
    /// `None` if the ledger must be read.
    pub fn plan(stored: &Stored, task: &Task, now: DateTime<Utc>, rules: &Rules) -> Option<Self> {
        if !task.only_arrivals() || !stored.links.is_empty() {
            return None;
        }
        let notices = stored.rows.iter().map(|row| row.stored_notice());
        let mut view = InboxView::of(notices.collect::<Option<_>>()?, now, rules)?;
        let was_due = view.due_at();
        let verdict = |(id, arrival)| Some((id, view.deliver(arrival)?));
        let arrivals = task.arrivals.iter().map(|(id, arrival)| (*id, arrival));
        let verdicts = arrivals.map(verdict).collect::<Option<_>>()?;
        let due = view.due_at().filter(|due| was_due != Some(*due));
        let known = view.known.iter();
        Some(Self {
            verdicts,
            deliveries: known
                .map(|notice| notice.deliveries_changed.then_some(notice.deliveries))
                .collect(),
            new: view.new,
            due,
        })
    }
}
