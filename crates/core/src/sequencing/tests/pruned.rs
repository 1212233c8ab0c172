//! What comes to a proposal whose notices have no bodies any more.

use super::*;
use crate::ledger::{Pruned, Receipts};
use crate::rows::Rows;
use crate::samples::{days, num};

/// A ledger as it is loaded once the notices with these contents have been pruned.
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
            receipts: Receipts::one(at(0)),
            recounted: false,
        });
    }
    ledger
}

#[test]
fn a_late_copy_of_a_pruned_notice_is_a_duplicate_and_is_counted() {
    let mut ledger = pruned(&[(1, json!({})), (2, payment())]);
    assert_eq!(deliver(&mut ledger, 2, payment(), days(1300)), Verdict::Duplicate);
    let known = &ledger.pruned[1];
    assert_eq!(
        (known.receipts.count, known.receipts.last, known.recounted),
        (2, at(days(1300)), true)
    );
    assert!(!ledger.pruned[0].recounted);
}

#[test]
fn a_new_notice_of_a_pruned_proposal_is_a_dead_letter_and_changes_no_row() {
    let mut ledger = pruned(&[(1, json!({})), (2, payment())]);
    let before = Rows::of(&ledger);
    for (notify_type, data) in [(3, policy("赵一")), (4, json!({})), (27, json!({}))] {
        match deliver(&mut ledger, notify_type, data, days(1300)) {
            Verdict::Rejected(rejection) => assert_eq!(rejection.reason, Reason::Pruned),
            other => panic!("{other:?}"),
        }
    }
    assert!(ledger.entries.is_empty() && ledger.rejected.is_empty());
    assert_eq!(Rows::of(&ledger), before);
}

#[test]
fn an_endorsement_that_truly_repeats_is_new_to_a_pruned_proposal_too() {
    let mut ledger = pruned(&[(26, json!({"status": 4}))]);
    let copy = |ledger: &mut Ledger, day| deliver(ledger, 26, json!({"status": 4}), days(day));
    assert_eq!(copy(&mut ledger, 7), Verdict::Duplicate);
    assert!(matches!(copy(&mut ledger, 100), Verdict::Rejected(_)));
}

#[test]
fn a_pruned_proposal_stays_its_partners_and_can_not_be_voided() {
    let mut ledger = pruned(&[(1, json!({}))]);
    let digest = ledger.pruned[0].digest.clone();
    assert!(!ledger.set_voided(&digest, true));
    match deliver(
        &mut ledger,
        2,
        json!({"partnerId": 8, "price": 1, "payTime": "2026-03-01 10:00:00"}),
        1,
    ) {
        Verdict::Rejected(rejection) => assert_eq!(rejection.reason, Reason::PartnerMismatch),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.partner(), Some(crate::id::PartnerId(7)));
    ledger.link(
        crate::ledger::Link {
            reissued_from: num("OLD"),
            partner_id: crate::id::PartnerId(7),
        },
        at(1),
        &Rules::default(),
    );
    assert_eq!(ledger.valid_links().count(), 1);
}
