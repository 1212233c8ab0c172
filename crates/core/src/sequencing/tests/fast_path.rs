//! The deliveries that the fast path decides, and those that it leaves to the ledger. `tests/order_independence` checks its
//! outcomes against the ledger in every order of every story.

use super::*;
use crate::samples::days;

fn stored(entry: &Entry) -> StoredNotice<'_> {
    let state = match (entry.state, entry.hold) {
        (State::Held, Some(hold)) => StoredState::Held(hold),
        _ => StoredState::Applied,
    };
    StoredNotice {
        step: entry.notice.step,
        digest: entry.notice.digest.as_str(),
        partner_id: entry.notice.partner_id,
        state,
        deliveries: entry.deliveries,
        deliveries_changed: false,
    }
}

fn view<'r>(ledger: &'r Ledger, minute: i64, rules: &'r Rules) -> Option<InboxView<'r>> {
    InboxView::of(ledger.entries.iter().map(stored).collect(), at(minute), rules)
}

/// The outcome of delivering that notice at that minute on the fast path.
fn outcome(
    ledger: &Ledger,
    notify_type: i64,
    data: serde_json::Value,
    minute: i64,
) -> Option<DeliveryOutcome> {
    let rules = Rules::default();
    view(ledger, minute, &rules)?.deliver(&arrival(notify_type, data, at(minute)))
}

#[test]
fn a_notice_waits_for_a_step_that_has_no_applied_notice() {
    let mut ledger = ledger();
    let wait = |from| {
        Some(DeliveryOutcome::Held(Hold {
            at: at(from),
            until: at(from + 10),
        }))
    };
    assert_eq!(outcome(&ledger, 3, policy("赵一"), 0), wait(0));
    deliver(&mut ledger, 1, json!({}), 0);
    assert_eq!(outcome(&ledger, 3, policy("赵一"), 1), wait(1));
    assert_eq!(outcome(&ledger, 26, json!({"status": 4}), 1), wait(1));
    deliver(&mut ledger, 3, policy("赵一"), 1);
    assert_eq!(outcome(&ledger, 9, json!({}), 2), wait(2));
}

#[test]
fn a_copy_received_later_is_a_duplicate() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    deliver(&mut ledger, 3, policy("赵一"), 0);
    for (notify_type, data) in [(1, json!({})), (3, policy("赵一"))] {
        assert_eq!(
            outcome(&ledger, notify_type, data, 1),
            Some(DeliveryOutcome::Duplicate)
        );
    }
    let rules = Rules::default();
    let mut view = view(&ledger, 1, &rules).expect("no hold may end");
    let new = arrival(9, json!({}), at(1));
    assert!(matches!(view.deliver(&new), Some(DeliveryOutcome::Held(_))));
    assert_eq!(view.deliver(&new), Some(DeliveryOutcome::Duplicate));
    assert_eq!((view.new.len(), view.new[0].deliveries.count), (1, 2));
    assert_eq!(view.due_at(), Some(at(10)));
}

#[test]
fn a_notice_that_may_be_applied_is_left_to_the_ledger() {
    let mut ledger = ledger();
    assert_eq!(outcome(&ledger, 1, json!({}), 0), None);
    assert_eq!(outcome(&ledger, 27, json!({}), 0), None);
    deliver(&mut ledger, 1, json!({}), 0);
    assert_eq!(outcome(&ledger, 2, payment(), 0), None);
    // A payment is applied. Only its body shows whether it succeeded.
    deliver(&mut ledger, 2, json!({"state": false}), 0);
    assert_eq!(outcome(&ledger, 3, policy("赵一"), 0), None);
}

#[test]
fn a_proposal_with_a_hold_that_may_end_is_left_to_the_ledger() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    deliver(&mut ledger, 2, payment(), 0);
    assert!(view(&ledger, 9, &rules).is_some());
    assert!(view(&ledger, 10, &rules).is_none());
    // The rules can change while a notice is held.
    let at_once = crate::samples::rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("all steps").after = vec![];
    });
    assert!(view(&ledger, 9, &at_once).is_none());
}

#[test]
fn a_copy_that_may_change_rows_is_left_to_the_ledger() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 5);
    deliver(&mut ledger, 27, json!({}), 5);
    deliver(&mut ledger, 26, json!({"status": 4}), 5);
    assert_eq!(outcome(&ledger, 1, json!({}), 4), None);
    assert_eq!(outcome(&ledger, 27, json!({}), 6), None);
    assert_eq!(outcome(&ledger, 26, json!({"status": 4}), days(8)), None);
    assert_eq!(outcome(&ledger, 26, json!({"status": 4}), 6), None);
    assert_eq!(
        outcome(&ledger, 2, json!({"partnerId": 8, "state": false}), 6),
        None
    );
}

#[test]
fn a_notice_of_another_partner_is_left_to_the_ledger_even_if_it_would_wait() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    let mut foreign = policy("赵一");
    foreign["partnerId"] = json!(8);
    assert!(outcome(&ledger, 3, foreign.clone(), 0).is_some());
    let mut new = view(&ledger, 0, &rules).expect("an empty inbox");
    assert!(new.deliver(&arrival(2, payment(), at(0))).is_some());
    assert_eq!(new.deliver(&arrival(3, foreign.clone(), at(0))), None);
    deliver(&mut ledger, 2, payment(), 0);
    assert_eq!(outcome(&ledger, 3, foreign, 1), None);
}

#[test]
fn a_wait_of_zero_is_left_to_the_ledger() {
    let rules = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("all steps").max_wait = TimeDelta::zero();
    });
    let empty = ledger();
    let mut view = view(&empty, 0, &rules).expect("an empty inbox");
    assert_eq!(view.deliver(&arrival(2, payment(), at(0))), None);
}

#[test]
fn a_redelivered_message_is_counted_as_the_ledger_counts_it() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    deliver(&mut ledger, 1, json!({}), 0);
    for (minute, count) in [(0, 1), (1, 2)] {
        let mut again = arrival(1, json!({}), at(minute));
        again.redelivered = true;
        let mut view = view(&ledger, 2, &rules).expect("no hold may end");
        assert_eq!(view.deliver(&again), Some(DeliveryOutcome::Duplicate));
        let (deliveries, changed) = (view.known[0].deliveries, view.known[0].deliveries_changed);
        let mut ledger = ledger.clone();
        assert_eq!(ledger.deliver(again, at(2), &rules), DeliveryOutcome::Duplicate);
        assert_eq!(
            (deliveries, deliveries.count),
            (ledger.entries[0].deliveries, count)
        );
        // Like the ledger, it marks the deliveries as changed even if they are equal.
        assert!(changed);
    }
}
