use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::ledger::State;
use crate::samples::{arrival, at, deliver, ledger, payment, policy, rules};

mod fast_path;
mod partners;
mod pruned;
mod repeats;

/// The `seq` of the applied notices of that type.
fn seqs(ledger: &Ledger, notify_type: i64) -> Vec<i64> {
    let of_type = ledger
        .entries
        .iter()
        .filter(|entry| entry.notice.step.notify_type().0 == notify_type);
    let seq = |entry: &Entry| match entry.state {
        State::Applied { seq, .. } => Some(seq),
        State::Held => None,
    };
    of_type.filter_map(seq).collect()
}

fn hold(outcome: DeliveryOutcome) -> Hold {
    match outcome {
        DeliveryOutcome::Held(hold) => hold,
        other => panic!("{other:?} instead of a hold"),
    }
}

#[test]
fn a_notice_without_missing_predecessors_is_applied_at_once() {
    let mut ledger = ledger();
    assert_eq!(deliver(&mut ledger, 27, json!({}), 0), DeliveryOutcome::Applied);
    assert_eq!(deliver(&mut ledger, 1, json!({}), 0), DeliveryOutcome::Applied);
    assert_eq!(deliver(&mut ledger, 2, payment(), 0), DeliveryOutcome::Applied);
    assert_eq!(
        (seqs(&ledger, 27), seqs(&ledger, 1), seqs(&ledger, 2)),
        (vec![1], vec![2], vec![3])
    );
    assert!(
        ledger
            .applied()
            .all(|entry| !entry.out_of_order && entry.hold.is_none())
    );
}

#[test]
fn the_wait_runs_from_the_moment_of_holding_not_from_the_receipt() {
    let mut ledger = ledger();
    // A backlog: received a day ago.
    let old = arrival(2, payment(), at(-1440));
    let held = hold(ledger.deliver(old, at(0), &Rules::default()));
    assert_eq!((held.at, held.until), (at(0), at(10)));
    ledger.settle(at(10) - TimeDelta::microseconds(1), &Rules::default());
    assert_eq!(ledger.held().count(), 1);
    ledger.settle(at(10), &Rules::default());
    assert_eq!(seqs(&ledger, 2), [1]);
    assert!(ledger.entries[0].out_of_order);
}

#[test]
fn a_step_is_missed_from_the_time_out_until_it_comes() {
    let (mut ledger, rules) = (ledger(), Rules::default());
    let missed = |ledger: &Ledger| missed(ledger, &rules).iter().collect::<Vec<_>>();
    deliver(&mut ledger, 2, payment(), 0);
    assert_eq!(missed(&ledger), []);
    ledger.settle(at(10), &rules);
    assert_eq!(missed(&ledger), [Step::Insured]);
    deliver(&mut ledger, 3, policy("赵一"), 11);
    assert_eq!(missed(&ledger), [Step::Insured]);
    deliver(&mut ledger, 1, json!({}), 12);
    assert_eq!(missed(&ledger), []);
}

#[test]
fn a_copy_of_a_held_notice_does_not_prolong_its_wait() {
    let mut ledger = ledger();
    deliver(&mut ledger, 2, payment(), 0);
    assert_eq!(deliver(&mut ledger, 2, payment(), 9), DeliveryOutcome::Duplicate);
    assert_eq!(ledger.due_at(), Some(at(10)));
}

#[test]
fn a_held_chain_is_applied_in_step_order_once_its_first_step_comes() {
    let mut ledger = ledger();
    deliver(&mut ledger, 26, json!({"status": 4}), 0);
    deliver(&mut ledger, 9, json!({}), 1);
    deliver(&mut ledger, 4, json!({}), 2);
    deliver(&mut ledger, 3, policy("赵一"), 3);
    deliver(&mut ledger, 2, payment(), 4);
    assert_eq!(ledger.applied().count(), 0);
    deliver(&mut ledger, 1, json!({}), 5);
    let order = [1, 2, 3, 4, 9, 26].map(|notify_type| seqs(&ledger, notify_type));
    assert_eq!(order, [[1], [2], [3], [4], [5], [6]]);
    assert!(ledger.applied().all(|entry| !entry.out_of_order));
}

#[test]
fn notices_due_together_are_applied_in_step_order_each_decided_after_the_one_before() {
    let mut ledger = ledger();
    deliver(&mut ledger, 9, json!({}), 0);
    deliver(&mut ledger, 3, policy("赵一"), 1);
    deliver(&mut ledger, 2, payment(), 2);
    ledger.settle(at(60), &Rules::default());
    assert_eq!(
        [2, 3, 9].map(|notify_type| seqs(&ledger, notify_type)),
        [[1], [2], [3]]
    );
    // Only the payment was applied without its predecessor.
    let late: Vec<Step> = ledger
        .entries
        .iter()
        .filter(|e| e.out_of_order)
        .map(|e| e.notice.step)
        .collect();
    assert_eq!(late, [Step::Paid]);
}

#[test]
fn a_notice_that_is_not_due_is_applied_when_its_predecessor_times_out() {
    let mut ledger = ledger();
    deliver(&mut ledger, 2, payment(), 0);
    deliver(&mut ledger, 3, policy("赵一"), 9);
    ledger.settle(at(10), &Rules::default());
    assert_eq!((seqs(&ledger, 2), seqs(&ledger, 3)), (vec![1], vec![2]));
}

#[test]
fn a_step_that_times_out_does_not_wait_for_predecessors_with_longer_waits() {
    let patient = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("step").max_wait = TimeDelta::days(1);
    });
    let mut ledger = ledger();
    ledger.deliver(arrival(2, payment(), at(0)), at(0), &patient);
    ledger.deliver(arrival(3, policy("赵一"), at(0)), at(0), &patient);
    ledger.settle(at(10), &patient);
    assert_eq!((seqs(&ledger, 2), seqs(&ledger, 3)), (vec![], vec![1]));
    // Every delivery settles the ledger.
    deliver(&mut ledger, 1, json!({}), 11);
    assert_eq!((seqs(&ledger, 1), seqs(&ledger, 2)), (vec![2], vec![3]));
}

#[test]
fn notices_of_one_step_are_applied_in_order_of_receipt() {
    let mut ledger = ledger();
    let failed = |why: &str| json!({"state": false, "failMsg": why});
    for (why, received) in [("c", 3), ("a", 1), ("b", 2)] {
        ledger.deliver(arrival(2, failed(why), at(received)), at(5), &Rules::default());
    }
    deliver(&mut ledger, 1, json!({}), 6);
    assert_eq!(seqs(&ledger, 2), [4, 2, 3]);
}

#[test]
fn a_step_waits_for_the_success_of_the_earlier_step() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({"state": false}), 0);
    assert!(matches!(
        deliver(&mut ledger, 2, payment(), 0),
        DeliveryOutcome::Held(_)
    ));
    deliver(&mut ledger, 1, json!({}), 1);
    deliver(&mut ledger, 2, json!({"state": false}), 1);
    assert_eq!(ledger.held().count(), 0);
}

#[test]
fn a_failure_notice_waits_no_longer_than_its_step() {
    let mut ledger = ledger();
    let failed = || json!({"state": false});
    assert_eq!(hold(deliver(&mut ledger, 3, failed(), 0)).until, at(10));
    deliver(&mut ledger, 1, json!({}), 1);
    assert_eq!(ledger.applied().count(), 1);
    deliver(&mut ledger, 2, payment(), 2);
    assert_eq!(seqs(&ledger, 3), [3]);
}

#[test]
fn after_a_failed_issue_only_cancelled_and_reissued_are_applied() {
    let mut ledger = ledger();
    for (notify_type, data) in [
        (4, json!({})),
        (5, json!({"newInsureNum": "B"})),
        (9, json!({})),
        (26, json!({"status": 1})),
    ] {
        assert!(matches!(
            deliver(&mut ledger, notify_type, data, 0),
            DeliveryOutcome::Held(_)
        ));
    }
    deliver(&mut ledger, 1, json!({}), 1);
    deliver(&mut ledger, 2, payment(), 1);
    deliver(&mut ledger, 3, json!({"state": false}), 1);
    let held: Vec<Step> = ledger.held().map(|entry| entry.notice.step).collect();
    assert_eq!(held, [Step::EPolicy, Step::Endorsement]);
}

#[test]
fn the_failure_of_any_other_step_ends_no_wait() {
    let after_paid = rules(|settings| {
        settings.steps.get_mut(&Step::Cancelled).expect("step").after = vec![Step::Paid, Step::Issued];
    });
    let mut ledger = ledger();
    for (notify_type, data) in [
        (4, json!({})),
        (1, json!({})),
        (2, json!({"state": false})),
        (3, json!({"state": false})),
    ] {
        ledger.deliver(arrival(notify_type, data, at(0)), at(0), &after_paid);
    }
    assert_eq!(
        missing(&ledger, Step::Cancelled, &after_paid),
        StepSet::from_iter([Step::Paid, Step::Issued])
    );
}

#[test]
fn only_a_notice_that_still_lacks_its_predecessor_times_out_into_a_dead_letter() {
    let strict = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("step").on_timeout = OnTimeout::Apply;
        settings.steps.get_mut(&Step::Issued).expect("step").on_timeout = OnTimeout::DeadLetter;
        settings.steps.get_mut(&Step::EPolicy).expect("step").on_timeout = OnTimeout::DeadLetter;
    });
    let mut chain = ledger();
    for (notify_type, data) in [(9, json!({})), (3, policy("赵一")), (2, payment())] {
        chain.deliver(arrival(notify_type, data, at(0)), at(0), &strict);
    }
    // The time-out applies the payment, and then no predecessor of the others is missing.
    chain.settle(at(60), &strict);
    assert_eq!((chain.rejected.len(), chain.applied().count()), (0, 3));

    let mut alone = ledger();
    for (notify_type, data) in [(9, json!({})), (3, policy("赵一"))] {
        alone.deliver(arrival(notify_type, data, at(0)), at(0), &strict);
    }
    alone.settle(at(60), &strict);
    let why: Vec<String> = alone
        .rejected
        .iter()
        .map(|(_, rejection)| rejection.to_string())
        .collect();
    assert_eq!(
        why,
        [
            "timed_out: issued timed out waiting for paid",
            "timed_out: e_policy timed out waiting for issued"
        ]
    );
    assert!(alone.entries.is_empty());
}

#[test]
fn a_wait_of_zero_ends_at_once() {
    let at_once = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("step").max_wait = TimeDelta::zero();
    });
    let mut ledger = ledger();
    ledger.deliver(arrival(2, payment(), at(0)), at(0), &at_once);
    assert_eq!(seqs(&ledger, 2), [1]);
}

#[test]
fn a_wait_beyond_the_calendar_ends_in_the_year_9999() {
    let for_ever = rules(|settings| {
        settings.steps.get_mut(&Step::Paid).expect("step").max_wait = TimeDelta::MAX;
    });
    let mut ledger = ledger();
    let held = hold(ledger.deliver(arrival(2, payment(), at(0)), at(0), &for_ever));
    assert!(held.until > at(0));
    assert!(
        held.until.naive_utc().to_string().starts_with("9999-"),
        "{}",
        held.until
    );
}
