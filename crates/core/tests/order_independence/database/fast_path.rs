//! The fast path over stored notices.

use chrono::{DateTime, Utc};
use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType, PartnerId, Step};
use xiebao_core::ledger::{Arrival, State};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::{DeliveryOutcome, InboxView, StoredNotice, StoredState};

use super::{Database, NoticeKey, Stored, key};

impl Database {
    /// The outcomes and the database afterwards, if the fast path decides about every delivery.
    pub(super) fn fast_path(
        &self,
        num: &InsureNum,
        batch: &[Arrival],
        now: DateTime<Utc>,
        rules: &Rules,
    ) -> Option<(Vec<DeliveryOutcome>, Self)> {
        let (stored, mut all) = (self.proposals.get(num).cloned().unwrap_or_default(), self.clone());
        if !stored.links.is_empty() {
            return None;
        }
        let partner = |stored: &Stored| Notice::read(&stored.raw).expect("it was read before").partner_id;
        let known = stored
            .notices
            .iter()
            .map(|(key, stored)| stored.on_fast_path(key, partner(stored)));
        let mut view = InboxView::of(known.collect::<Option<_>>()?, now, rules)?;
        let outcomes = batch.iter().map(|arrival| view.deliver(arrival));
        let outcomes = outcomes.collect::<Option<_>>()?;
        let notices = &mut all.proposals.entry(num.clone()).or_default().notices;
        for (stored, known) in notices.values_mut().zip(&view.known) {
            assert!(
                known.deliveries_changed || stored.deliveries == known.deliveries,
                "changed, but not noted"
            );
            stored.deliveries = known.deliveries;
        }
        notices.extend(view.new.iter().map(|entry| (key(entry), Stored::of(entry))));
        let held = notices.values().filter(|stored| stored.state == State::Held);
        let due = held.filter_map(|stored| stored.hold).map(|hold| hold.until);
        assert_eq!(view.due_at(), due.min());
        Some((outcomes, all))
    }
}

impl Stored {
    fn on_fast_path<'k>(
        &self,
        (notify_type, digest, _): &'k NoticeKey,
        partner_id: PartnerId,
    ) -> Option<StoredNotice<'k>> {
        let state = match self.state {
            State::Applied { .. } => StoredState::Applied,
            State::Held => StoredState::Held(self.hold?),
        };
        Some(StoredNotice {
            step: Step::of(NotifyType(*notify_type))?,
            digest: digest.as_str(),
            partner_id,
            state,
            deliveries: self.deliveries,
            deliveries_changed: false,
        })
    }
}
