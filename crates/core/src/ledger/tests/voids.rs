//! A voided notice is out of the facts and the rows, and known all the same.

use super::*;

/// A life with failures, a correction of a policy, repeated endorsements and two notices that state one link.
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

/// All of the life but what is left out, each applied at once.
fn applied_but(left_out: Option<usize>) -> Ledger {
    let mut ledger = ledger();
    for (index, (notify_type, data)) in life().into_iter().enumerate() {
        if Some(index) == left_out {
            continue;
        }
        let digest = notice(notify_type, data.clone()).digest;
        let minute = index as i64;
        if let Verdict::Held(_) = deliver(&mut ledger, notify_type, data, minute) {
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
fn voiding_a_notice_leaves_the_rows_that_were_there_without_it() {
    for (index, digest) in digests().iter().enumerate() {
        let mut ledger = applied_but(None);
        let whole = Rows::of(&ledger);
        assert!(ledger.set_voided(digest, true));
        assert_eq!(Rows::of(&ledger), Rows::of(&applied_but(Some(index))), "{index}");
        assert!(!ledger.set_voided(digest, true), "it was voided before");
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
fn a_copy_of_a_voided_notice_is_a_duplicate_and_its_number_is_not_given_again() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    ledger.set_voided(&notice(1, json!({})).digest, true);
    assert_eq!(deliver(&mut ledger, 1, json!({}), 1), Verdict::Duplicate);
    assert_eq!(Rows::of(&ledger), Rows::default());
    // Its success is no longer there to be waited for.
    assert!(matches!(deliver(&mut ledger, 2, payment(), 2), Verdict::Held(_)));
    assert_eq!(deliver(&mut ledger, 27, json!({}), 3), Verdict::Applied);
    let last = ledger.entries.last().expect("it is applied");
    assert!(matches!(last.place, Place::Applied { seq: 2, .. }));
}

#[test]
fn only_what_is_applied_can_be_voided() {
    let mut ledger = ledger();
    deliver(&mut ledger, 2, payment(), 0);
    assert!(!ledger.set_voided(&notice(2, payment()).digest, true));
}

#[test]
fn a_forgotten_link_stands_in_for_nothing() {
    let mut ledger = ledger();
    ledger.link(link("O", 7), at(0), &Rules::default());
    ledger.unlink(&num("O"));
    assert!(matches!(
        deliver(&mut ledger, 3, policy("赵一"), 1),
        Verdict::Held(_)
    ));
    assert_eq!(Rows::of(&ledger), Rows::default());
}

#[test]
fn a_proposal_whose_notices_are_all_voided_is_free_for_its_true_partner() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    let wrong = ledger.entries[0].notice.digest.clone();
    let theirs = || json!({ "partnerId": 8 });
    assert!(matches!(
        deliver(&mut ledger, 1, theirs(), 1),
        Verdict::Rejected(rejection) if rejection.reason == Reason::PartnerMismatch
    ));
    assert!(ledger.set_voided(&wrong, true));
    assert_eq!((ledger.owner, Rows::of(&ledger)), (None, Rows::default()));
    assert_eq!(deliver(&mut ledger, 1, theirs(), 2), Verdict::Applied);
    assert_eq!(ledger.owner, Some(PartnerId(8)));
    // What was another's stays out, and is known all the same.
    assert!(!ledger.set_voided(&wrong, false));
    assert_eq!(deliver(&mut ledger, 1, json!({}), 3), Verdict::Duplicate);
}
