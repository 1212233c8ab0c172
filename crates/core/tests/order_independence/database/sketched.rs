//! What a sketch of the stored rows says of deliveries.

use chrono::{DateTime, Utc};
use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Arrival, Place};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::{Outline, Sketch, Standing, Verdict};

use super::{Database, NoticeKey, Stored, key};

impl Database {
    /// The verdicts and all that is stored afterwards, where a sketch of the stored rows tells both.
    pub(super) fn sketched(
        &self,
        num: &InsureNum,
        batch: &[Arrival],
        now: DateTime<Utc>,
        rules: &Rules,
    ) -> Option<(Vec<Verdict>, Self)> {
        let (stored, mut all) = (self.proposals.get(num).cloned().unwrap_or_default(), self.clone());
        if !stored.links.is_empty() {
            return None;
        }
        let partner = |stored: &Stored| Notice::read(&stored.raw).expect("it was read before").partner_id;
        let outlines = stored
            .notices
            .iter()
            .map(|(key, stored)| stored.outline(key, partner(stored)));
        let mut sketch = Sketch::of(outlines.collect::<Option<_>>()?, now, rules)?;
        let verdicts = batch.iter().map(|arrival| sketch.deliver(arrival));
        let verdicts = verdicts.collect::<Option<_>>()?;
        let notices = &mut all.proposals.entry(num.clone()).or_default().notices;
        for (stored, outline) in notices.values_mut().zip(&sketch.known) {
            assert!(
                outline.copied || stored.receipts == outline.receipts,
                "changed, but not noted"
            );
            stored.receipts = outline.receipts;
        }
        notices.extend(sketch.new.iter().map(|entry| (key(entry), Stored::of(entry))));
        let held = notices.values().filter(|stored| stored.place == Place::Held);
        let due = held.filter_map(|stored| stored.hold).map(|hold| hold.until);
        assert_eq!(sketch.due_at(), due.min());
        Some((verdicts, all))
    }
}

impl Stored {
    fn outline<'k>(
        &self,
        (notify_type, digest, _): &'k NoticeKey,
        partner_id: PartnerId,
    ) -> Option<Outline<'k>> {
        let standing = match self.place {
            Place::Applied { .. } => Standing::Applied,
            Place::Held => Standing::Held(self.hold?),
        };
        Some(Outline {
            step: Step::of(NotifyType(*notify_type))?,
            digest: digest.as_str(),
            partner_id,
            standing,
            receipts: self.receipts,
            copied: false,
        })
    }
}
