//! What a sketch tells, and what it leaves to the ledger. That it tells the truth is held against every order of every story in
//! `tests/order_independence`.

use super::*;
use crate::samples::days;

fn outline(entry: &Entry) -> Outline<'_> {
    let standing = match (entry.place, entry.hold) {
        (Place::Held, Some(hold)) => Standing::Held(hold),
        _ => Standing::Applied,
    };
    Outline {
        step: entry.notice.step,
        digest: entry.notice.digest.as_str(),
        partner_id: entry.notice.partner_id,
        standing,
        receipts: entry.receipts,
        copied: false,
    }
}

fn sketch<'r>(ledger: &'r Ledger, minute: i64, rules: &'r Rules) -> Option<Sketch<'r>> {
    Sketch::of(ledger.entries.iter().map(outline).collect(), at(minute), rules)
}

/// What becomes of that notice at that minute, as far as a sketch tells.
fn told(ledger: &Ledger, notify_type: i64, data: serde_json::Value, minute: i64) -> Option<Verdict> {
    let rules = Rules::default();
    sketch(ledger, minute, &rules)?.deliver(&arrival(notify_type, data, at(minute)))
}

#[test]
fn it_tells_of_a_wait_for_what_has_not_been_tried() {
    let mut ledger = ledger();
    let wait = |from| {
        Some(Verdict::Held(Hold {
            at: at(from),
            until: at(from + 10),
        }))
    };
    assert_eq!(told(&ledger, 3, policy("赵一"), 0), wait(0));
    deliver(&mut ledger, 1, json!({}), 0);
    assert_eq!(told(&ledger, 3, policy("赵一"), 1), wait(1));
    assert_eq!(told(&ledger, 26, json!({"status": 4}), 1), wait(1));
    deliver(&mut ledger, 3, policy("赵一"), 1);
    assert_eq!(told(&ledger, 9, json!({}), 2), wait(2));
}

#[test]
fn it_tells_a_copy_that_comes_later() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    deliver(&mut ledger, 3, policy("赵一"), 0);
    for (notify_type, data) in [(1, json!({})), (3, policy("赵一"))] {
        assert_eq!(told(&ledger, notify_type, data, 1), Some(Verdict::Duplicate));
    }
    let rules = Rules::default();
    let mut sketch = sketch(&ledger, 1, &rules).expect("nothing may go");
    let new = arrival(9, json!({}), at(1));
    assert!(matches!(sketch.deliver(&new), Some(Verdict::Held(_))));
    assert_eq!(sketch.deliver(&new), Some(Verdict::Duplicate));
    assert_eq!((sketch.new.len(), sketch.new[0].receipts.count), (1, 2));
    assert_eq!(sketch.due_at(), Some(at(10)));
}

#[test]
fn it_leaves_to_the_ledger_what_may_go() {
    let mut ledger = ledger();
    assert_eq!(told(&ledger, 1, json!({}), 0), None);
    assert_eq!(told(&ledger, 27, json!({}), 0), None);
    deliver(&mut ledger, 1, json!({}), 0);
    assert_eq!(told(&ledger, 2, payment(), 0), None);
    // It was tried. Whether it succeeded stands in the body.
    deliver(&mut ledger, 2, json!({"state": false}), 0);
    assert_eq!(told(&ledger, 3, policy("赵一"), 0), None);
}

#[test]
fn it_leaves_to_the_ledger_a_proposal_in_which_something_may_go() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    deliver(&mut ledger, 2, payment(), 0);
    assert!(sketch(&ledger, 9, &rules).is_some());
    assert!(sketch(&ledger, 10, &rules).is_none());
    // The rules may have changed since it was held.
    let at_once = crate::samples::rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("all steps").after = vec![];
    });
    assert!(sketch(&ledger, 9, &at_once).is_none());
}

#[test]
fn it_leaves_to_the_ledger_what_is_no_plain_copy() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 5);
    deliver(&mut ledger, 27, json!({}), 5);
    deliver(&mut ledger, 26, json!({"status": 4}), 5);
    assert_eq!(told(&ledger, 1, json!({}), 4), None);
    assert_eq!(told(&ledger, 27, json!({}), 6), None);
    assert_eq!(told(&ledger, 26, json!({"status": 4}), days(8)), None);
    assert_eq!(told(&ledger, 26, json!({"status": 4}), 6), None);
    assert_eq!(told(&ledger, 2, json!({"partnerId": 8, "state": false}), 6), None);
}

#[test]
fn without_a_wait_nothing_is_told_of_one() {
    let rules = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("all steps").max_wait = TimeDelta::zero();
    });
    let empty = ledger();
    let mut sketch = sketch(&empty, 0, &rules).expect("there is nothing");
    assert_eq!(sketch.deliver(&arrival(2, payment(), at(0))), None);
}

#[test]
fn what_the_broker_hands_out_again_is_counted_as_the_ledger_counts_it() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    deliver(&mut ledger, 1, json!({}), 0);
    for (minute, count) in [(0, 1), (1, 2)] {
        let mut again = arrival(1, json!({}), at(minute));
        again.redelivered = true;
        let mut sketch = sketch(&ledger, 2, &rules).expect("nothing may go");
        assert_eq!(sketch.deliver(&again), Some(Verdict::Duplicate));
        let (sketched, copied) = (sketch.known[0].receipts, sketch.known[0].copied);
        let mut ledger = ledger.clone();
        assert_eq!(ledger.deliver(again, at(2), &rules), Verdict::Duplicate);
        assert_eq!((sketched, sketched.count), (ledger.entries[0].receipts, count));
        // It is written though nothing may have changed, as the ledger would have it.
        assert!(copied);
    }
}
