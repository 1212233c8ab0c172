//! Deliveries to a proposal whose notices were pruned.

use super::*;
use crate::ledger::{Deliveries, Pruned};
use crate::rows::Rows;
use crate::samples::{days, num};

/// The ledger that a worker loads after the notices with these contents were pruned.
fn pruned(contents: &[(i64, serde_json::Value)]) -> Ledger {
    let mut ledger = ledger();
    for (nth, (notify_type, data)) in contents.iter().enumerate() {
        let notice = arrival(*notify_type, data.clone(), at(0)).notice;
        ledger.owner = Some(notice.partner_id);
        ledger.pruned.push(Pruned {
            notify_type: notice.step.notify_type(),
            digest: notice.digest.clone(),
            occurrence: 1,
            partner_id: notice.partner_id,
            seq: nth as i64 + 1,
            applied_at: at(0),
            pruned_at: at(days(1200)),
            voided: false,
            deliveries: Deliveries::one(at(0)),
            deliveries_changed: false,
        });
    }
    ledger
}

#[test]
fn a_late_copy_of_a_pruned_notice_is_a_duplicate_and_counts() {
    let mut ledger = pruned(&[(1, json!({})), (2, payment())]);
    assert_eq!(
        deliver(&mut ledger, 2, payment(), days(1300)),
        DeliveryOutcome::Duplicate
    );
    let known = &ledger.pruned[1];
    assert_eq!(
        (
            known.deliveries.count,
            known.deliveries.last,
            known.deliveries_changed
        ),
        (2, at(days(1300)), true)
    );
    assert!(!ledger.pruned[0].deliveries_changed);
}

#[test]
fn a_new_notice_of_a_pruned_proposal_is_a_dead_letter_and_changes_no_row() {
    let mut ledger = pruned(&[(1, json!({})), (2, payment())]);
    let before = Rows::of(&ledger);
    for (notify_type, data) in [(3, policy("赵一")), (4, json!({})), (27, json!({}))] {
        match deliver(&mut ledger, notify_type, data, days(1300)) {
            DeliveryOutcome::Rejected(rejection) => assert_eq!(rejection.reason, Reason::Pruned),
            other => panic!("{other:?}"),
        }
    }
    assert!(ledger.entries.is_empty() && ledger.rejected.is_empty());
    assert_eq!(Rows::of(&ledger), before);
}

#[test]
fn an_endorsement_that_repeats_is_a_new_notice_of_a_pruned_proposal_too() {
    let mut ledger = pruned(&[(26, json!({"status": 4}))]);
    let copy = |ledger: &mut Ledger, day| deliver(ledger, 26, json!({"status": 4}), days(day));
    assert_eq!(copy(&mut ledger, 7), DeliveryOutcome::Duplicate);
    assert!(matches!(copy(&mut ledger, 100), DeliveryOutcome::Rejected(_)));
}

#[test]
fn a_pruned_proposal_keeps_its_partner_and_its_notices_cannot_be_voided() {
    let mut ledger = pruned(&[(1, json!({}))]);
    let digest = ledger.pruned[0].digest.clone();
    assert!(!ledger.set_voided(&digest, true));
    match deliver(
        &mut ledger,
        2,
        json!({"partnerId": 8, "price": 1, "payTime": "2026-03-01 10:00:00"}),
        1,
    ) {
        DeliveryOutcome::Rejected(rejection) => assert_eq!(rejection.reason, Reason::PartnerMismatch),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.partner(), Some(crate::id::PartnerId(7)));
    ledger.link(
        Link {
            reissued_from: num("OLD"),
            partner_id: crate::id::PartnerId(7),
        },
        at(1),
        &Rules::default(),
    );
    assert_eq!(ledger.valid_links().count(), 1);
}

#[test]
fn a_pruned_proposal_lost_nothing_only_if_every_pruned_notice_is_voided() {
    let mut ledger = pruned(&[(1, json!({})), (2, payment())]);
    ledger.pruned[0].voided = true;
    assert!(!ledger.lost_nothing());
    ledger.pruned[1].voided = true;
    assert!(ledger.lost_nothing());
}
