//! A voided notice counts neither in the facts nor in the rows, but copies of it remain duplicates.

use super::*;

/// A life with failures, a corrected policy, and two notices that state the same link.
fn life() -> Vec<(i64, serde_json::Value)> {
    vec![
        (1, json!({"partnerUniqueKey": "u", "caseCode": "c"})),
        (2, payment()),
        (2, json!({"state": false, "failMsg": "no money"})),
        (3, policy("赵一、钱二")),
        (
            3,
            json!({"policys": [{"policyNum": "P1", "insurant": "孙三", "applicant": "李四"}]}),
        ),
        (4, json!({"cancelInsurants": "赵一"})),
        (4, json!({"state": false, "failMsg": "refused"})),
        (4, json!({})),
        (5, json!({"newInsureNum": "B"})),
        (5, json!({"newInsureNum": "B", "cancelMsg": "again"})),
        (9, json!({})),
        (26, json!({"status": 1})),
        (27, json!({"failMsg": "f"})),
    ]
}

/// The whole life without the notice `left_out`, each notice applied at once.
fn applied_but(left_out: Option<usize>) -> Ledger {
    let mut ledger = ledger();
    for (index, (notify_type, data)) in life().into_iter().enumerate() {
        if Some(index) == left_out {
            continue;
        }
        let digest = notice(notify_type, data.clone()).digest;
        let minute = index as i64;
        if let DeliveryOutcome::Held(_) = deliver(&mut ledger, notify_type, data, minute) {
            ledger.release(&digest, at(minute), &Rules::default());
        }
    }
    assert_eq!(ledger.held().count(), 0);
    ledger
}

fn digests() -> Vec<Digest> {
    let life = life().into_iter();
    life.map(|(notify_type, data)| notice(notify_type, data).digest)
        .collect()
}

#[test]
fn voiding_a_notice_leaves_the_rows_of_a_life_without_it() {
    for (index, digest) in digests().iter().enumerate() {
        let mut ledger = applied_but(None);
        let whole = Rows::of(&ledger);
        assert!(ledger.set_voided(digest, true));
        assert_eq!(Rows::of(&ledger), Rows::of(&applied_but(Some(index))), "{index}");
        assert!(!ledger.set_voided(digest, true), "it is already voided");
        assert!(ledger.set_voided(digest, false));
        assert_eq!(Rows::of(&ledger), whole, "{index}");
    }
}

#[test]
fn a_link_stays_as_long_as_one_counted_notice_states_it() {
    let mut ledger = applied_but(None);
    let digests = digests();
    ledger.set_voided(&digests[8], true);
    assert_eq!(Rows::of(&ledger).reissues.len(), 1);
    ledger.set_voided(&digests[9], true);
    assert!(Rows::of(&ledger).reissues.is_empty());
}

#[test]
fn a_copy_of_a_voided_notice_is_a_duplicate_and_its_seq_is_not_reused() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    ledger.set_voided(&notice(1, json!({})).digest, true);
    assert_eq!(deliver(&mut ledger, 1, json!({}), 1), DeliveryOutcome::Duplicate);
    assert_eq!(Rows::of(&ledger), Rows::default());
    // Its success no longer counts for notices that wait for it.
    assert!(matches!(
        deliver(&mut ledger, 2, payment(), 2),
        DeliveryOutcome::Held(_)
    ));
    assert_eq!(deliver(&mut ledger, 27, json!({}), 3), DeliveryOutcome::Applied);
    let last = ledger.entries.last().expect("it is applied");
    assert!(matches!(last.state, State::Applied { seq: 2, .. }));
}

#[test]
fn a_stored_notice_that_is_voided_has_to_be_written() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    let digest = notice(1, json!({})).digest;
    ledger.entries[0].write_state = WriteState::Stored;
    assert!(!ledger.set_voided(&digest, false));
    assert_eq!(ledger.entries[0].write_state, WriteState::Stored);
    assert!(ledger.set_voided(&digest, true));
    assert_eq!(ledger.entries[0].write_state, WriteState::Changed);
}

#[test]
fn only_an_applied_notice_can_be_voided() {
    let mut ledger = ledger();
    deliver(&mut ledger, 2, payment(), 0);
    assert!(!ledger.set_voided(&notice(2, payment()).digest, true));
}

#[test]
fn a_removed_link_stands_in_for_nothing() {
    let mut ledger = ledger();
    ledger.link(link("O", 7), at(0), &Rules::default());
    ledger.unlink(&num("O"));
    assert!(matches!(
        deliver(&mut ledger, 3, policy("赵一"), 1),
        DeliveryOutcome::Held(_)
    ));
    assert_eq!(Rows::of(&ledger), Rows::default());
}

#[test]
fn another_partner_can_take_a_proposal_whose_notices_are_all_voided() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    let wrong = ledger.entries[0].notice.digest.clone();
    let theirs = || json!({ "partnerId": 8 });
    assert!(matches!(
        deliver(&mut ledger, 1, theirs(), 1),
        DeliveryOutcome::Rejected(rejection) if rejection.reason == Reason::PartnerMismatch
    ));
    assert!(ledger.set_voided(&wrong, true));
    assert_eq!((ledger.owner, Rows::of(&ledger)), (None, Rows::default()));
    assert_eq!(deliver(&mut ledger, 1, theirs(), 2), DeliveryOutcome::Applied);
    assert_eq!(ledger.owner, Some(PartnerId(8)));
    // The notice of the earlier owner stays voided, and its copy is a duplicate.
    assert!(!ledger.set_voided(&wrong, false));
    assert_eq!(deliver(&mut ledger, 1, json!({}), 3), DeliveryOutcome::Duplicate);
}
