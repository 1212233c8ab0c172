//! The partner of a proposal, and the steps that a link of that partner stands in for.

use serde_json::Value;

use super::*;
use crate::id::PartnerId;
use crate::ledger::Link;
use crate::samples::num;

fn link(from: &str, partner: i64) -> Link {
    Link {
        reissued_from: num(from),
        partner_id: PartnerId(partner),
    }
}

#[test]
fn a_notice_of_another_partner_is_rejected_whether_the_first_is_held_or_applied() {
    for first in [1, 2] {
        let mut ledger = ledger();
        let data = if first == 1 { json!({}) } else { payment() };
        deliver(&mut ledger, first, data.clone(), 0);
        let mut foreign = data;
        foreign["partnerId"] = json!(8);
        let DeliveryOutcome::Rejected(rejection) = deliver(&mut ledger, first, foreign, 1) else {
            panic!("a foreign notice was accepted");
        };
        assert_eq!(rejection.reason, Reason::PartnerMismatch);
        assert_eq!(ledger.entries.len(), 1);
    }
}

#[test]
fn a_proposal_whose_only_notice_became_a_dead_letter_has_no_owner() {
    let strict = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("step").on_timeout = OnTimeout::DeadLetter;
    });
    let mut ledger = ledger();
    ledger.deliver(arrival(2, payment(), at(0)), at(0), &strict);
    ledger.settle(at(10), &strict);
    assert_eq!((ledger.rejected.len(), ledger.owner), (1, None));
    assert_eq!(
        deliver(&mut ledger, 1, json!({"partnerId": 8}), 11),
        DeliveryOutcome::Applied
    );
}

#[test]
fn a_link_stands_in_for_insured_and_paid_only() {
    let mut ledger = ledger();
    let held: [(i64, Value); 3] = [(9, json!({})), (3, policy("赵一")), (2, payment())];
    for (notify_type, data) in held {
        deliver(&mut ledger, notify_type, data, 0);
    }
    ledger.link(link("O", 7), at(1), &Rules::default());
    assert_eq!(
        [2, 3, 9].map(|notify_type| seqs(&ledger, notify_type)),
        [[1], [2], [3]]
    );

    let mut unissued = crate::samples::ledger();
    unissued.link(link("O", 7), at(0), &Rules::default());
    assert!(matches!(
        deliver(&mut unissued, 9, json!({}), 1),
        DeliveryOutcome::Held(_)
    ));
    assert_eq!(
        deliver(&mut unissued, 3, policy("赵一"), 2),
        DeliveryOutcome::Applied
    );
    assert_eq!(unissued.held().count(), 0);
}

#[test]
fn a_link_of_another_partner_stands_in_for_nothing_whichever_came_first() {
    for link_first in [true, false] {
        let mut ledger = ledger();
        if link_first {
            ledger.link(link("O", 8), at(0), &Rules::default());
        }
        assert!(matches!(
            deliver(&mut ledger, 3, policy("赵一"), 1),
            DeliveryOutcome::Held(_)
        ));
        if !link_first {
            ledger.link(link("O", 8), at(2), &Rules::default());
        }
        assert_eq!(ledger.held().count(), 1);
        // A link of its own partner does stand in.
        ledger.link(link("N", 7), at(3), &Rules::default());
        assert_eq!(seqs(&ledger, 3), [1]);
    }
}
