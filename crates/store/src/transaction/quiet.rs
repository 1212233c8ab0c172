use chrono::{DateTime, Utc};
use xiebao_core::ledger::{Deliveries, Entry};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::{DeliveryOutcome, InboxView};

use super::Task;
use super::stored::Stored;

/// What a task comes to that changes nothing but the inbox: deliveries that have to wait, and copies. Half of a backlog that
/// comes in any order is such, and to see it takes no parsing of bodies and no working out of rows.
pub(super) struct Quiet {
    pub verdicts: Vec<(usize, DeliveryOutcome)>,
    /// Of each stored row, if copies of it have come: what is to stand there.
    pub receipts: Vec<Option<Deliveries>>,
    pub new: Vec<Entry>,
    /// The end of the earliest wait, if it is another than before.
    pub due: Option<DateTime<Utc>>,
}

impl Quiet {
    /// `None`: the ledger has to be read.
    pub fn foresee(stored: &Stored, task: &Task, now: DateTime<Utc>, rules: &Rules) -> Option<Self> {
        if !task.only_arrivals() || !stored.links.is_empty() {
            return None;
        }
        let outlines = stored.rows.iter().map(|row| row.outline());
        let mut sketch = InboxView::of(outlines.collect::<Option<_>>()?, now, rules)?;
        let was_due = sketch.due_at();
        let verdict = |(mark, arrival)| Some((mark, sketch.deliver(arrival)?));
        let arrivals = task.arrivals.iter().map(|(mark, arrival)| (*mark, arrival));
        let verdicts = arrivals.map(verdict).collect::<Option<_>>()?;
        let due = sketch.due_at().filter(|due| was_due != Some(*due));
        let known = sketch.known.iter();
        Some(Self {
            verdicts,
            receipts: known
                .map(|outline| outline.deliveries_changed.then_some(outline.deliveries))
                .collect(),
            new: sketch.new,
            due,
        })
    }
}
