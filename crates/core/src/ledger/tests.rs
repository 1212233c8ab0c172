mod voids;

use serde_json::json;

use super::*;
use crate::id::Step;
use crate::reason::Reason;
use crate::rows::Rows;
use crate::rules::Rules;
use crate::samples::{arrival, at, days, deliver, ledger, notice, num, payment, policy};
use crate::sequencing::DeliveryOutcome;

fn link(from: &str, partner: i64) -> Link {
    Link {
        reissued_from: num(from),
        partner_id: PartnerId(partner),
    }
}

fn ignored(notify_type: i64, data: serde_json::Value, first: i64, last: i64, count: i64) -> Ignored {
    let notice = notice(notify_type, data);
    Ignored {
        notify_type: NotifyType(notify_type),
        digest: notice.digest,
        occurrence: 1,
        deliveries: Deliveries {
            first: at(first),
            last: at(last),
            count,
        },
    }
}

#[test]
fn deliveries_are_counted_with_their_first_and_last_time() {
    let mut ledger = ledger();
    for minute in [5, 9, 2, 7] {
        deliver(&mut ledger, 1, json!({}), minute);
    }
    let expected = Deliveries {
        first: at(2),
        last: at(9),
        count: 4,
    };
    assert_eq!(ledger.entries[0].deliveries, expected);
}

#[test]
fn a_message_that_the_broker_delivers_again_counts_once() {
    let mut ledger = ledger();
    let copy = |minute, redelivered| Arrival {
        redelivered,
        ..arrival(1, json!({}), at(minute))
    };
    let rules = Rules::default();
    assert_eq!(
        ledger.deliver(copy(1, true), at(1), &rules),
        DeliveryOutcome::Applied
    );
    ledger.deliver(copy(1, true), at(2), &rules);
    assert_eq!(ledger.entries[0].deliveries.count, 1);
    // Another copy from the platform, which the broker delivers twice.
    ledger.deliver(copy(3, false), at(3), &rules);
    ledger.deliver(copy(3, true), at(4), &rules);
    assert_eq!(ledger.entries[0].deliveries.count, 2);
    // Delivered again, though the first delivery never arrived here.
    ledger.deliver(copy(5, true), at(6), &rules);
    assert_eq!(ledger.entries[0].deliveries.count, 3);
}

#[test]
fn an_ignored_notice_that_comes_again_after_subscribing_is_applied_and_keeps_its_count() {
    let mut ledger = ledger();
    ledger.ignored = vec![ignored(1, json!({}), 0, 3, 2), ignored(9, json!({}), 0, 0, 1)];
    assert_eq!(deliver(&mut ledger, 1, json!({}), 8), DeliveryOutcome::Applied);
    let entry = &ledger.entries[0];
    assert_eq!(
        entry.deliveries,
        Deliveries {
            first: at(0),
            last: at(8),
            count: 3
        }
    );
    assert_eq!((entry.occurrence, entry.write_state), (1, WriteState::New));
    assert_eq!(ledger.ignored.len(), 1);
}

#[test]
fn an_ignored_notice_makes_neither_a_row_nor_a_predecessor_nor_an_owner() {
    let mut ledger = ledger();
    ledger.ignored = vec![ignored(1, json!({}), 0, 0, 1)];
    assert_eq!(Rows::of(&ledger), Rows::default());
    assert!(matches!(
        deliver(&mut ledger, 2, payment(), 1),
        DeliveryOutcome::Held(_)
    ));
    assert_eq!(ledger.partner(), Some(PartnerId(7)));
}

#[test]
fn releasing_a_held_notice_also_applies_the_notices_that_waited_for_it() {
    let mut ledger = ledger();
    let rules = Rules::default();
    deliver(&mut ledger, 9, json!({}), 0);
    deliver(&mut ledger, 3, policy("赵一"), 0);
    deliver(&mut ledger, 2, payment(), 0);
    let issue = notice(3, policy("赵一")).digest;
    assert!(ledger.release(&issue, at(1), &rules));
    let held: Vec<Step> = ledger.held().map(|entry| entry.notice.step).collect();
    assert_eq!(held, [Step::Paid]);
    let of_step = |step| {
        ledger
            .applied()
            .find(|entry| entry.notice.step == step)
            .expect("applied")
    };
    assert_eq!(of_step(Step::Issued).state, State::Applied { seq: 1, at: at(1) });
    assert!(of_step(Step::Issued).out_of_order);
    assert!(!of_step(Step::EPolicy).out_of_order);
}

#[test]
fn only_a_held_notice_can_be_released() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    let applied = ledger.entries[0].notice.digest.clone();
    let unknown = Digest::parse(&"0".repeat(64)).expect("a digest");
    assert!(!ledger.release(&applied, at(1), &Rules::default()));
    assert!(!ledger.release(&unknown, at(1), &Rules::default()));
    assert_eq!(ledger.entries[0].state, State::Applied { seq: 1, at: at(0) });
}

#[test]
fn a_late_predecessor_adds_its_facts_and_takes_no_status_back() {
    let mut ledger = ledger();
    deliver(&mut ledger, 3, policy("赵一"), 0);
    ledger.settle(at(10), &Rules::default());
    let status = |ledger: &Ledger| ledger.facts().status().map(crate::lifecycle::Status::name);
    assert_eq!(status(&ledger), Some("issued"));
    deliver(&mut ledger, 1, json!({"caseCode": "case-1"}), 20);
    deliver(&mut ledger, 2, payment(), 21);
    assert_eq!(status(&ledger), Some("issued"));
    let rows = Rows::of(&ledger);
    assert_eq!(rows.payments.len(), 1);
    assert_eq!(rows.proposals[&()].case_code.as_deref(), Some("case-1"));
    let states: Vec<State> = ledger.entries.iter().map(|entry| entry.state).collect();
    let applied = |seq, minute| State::Applied { seq, at: at(minute) };
    assert_eq!(states, [applied(1, 10), applied(2, 20), applied(3, 21)]);
}

#[test]
fn an_entry_knows_whether_its_row_is_new_changed_or_stored() {
    let mut ledger = ledger();
    deliver(&mut ledger, 1, json!({}), 0);
    deliver(&mut ledger, 9, json!({}), 0);
    deliver(&mut ledger, 1, json!({}), 1);
    let write_states = |ledger: &Ledger| {
        ledger
            .entries
            .iter()
            .map(|entry| entry.write_state)
            .collect::<Vec<_>>()
    };
    assert_eq!(write_states(&ledger), [WriteState::New, WriteState::New]);
    for entry in &mut ledger.entries {
        entry.write_state = WriteState::Stored;
    }
    deliver(&mut ledger, 1, json!({}), 2);
    assert_eq!(write_states(&ledger), [WriteState::Changed, WriteState::Stored]);
    ledger.settle(at(60), &Rules::default());
    assert_eq!(write_states(&ledger), [WriteState::Changed, WriteState::Changed]);
}

#[test]
fn a_link_that_comes_twice_counts_once() {
    let mut ledger = ledger();
    for _ in 0..2 {
        ledger.link(link("O", 7), at(0), &Rules::default());
    }
    assert_eq!(ledger.links, [link("O", 7)]);
}

#[test]
fn the_partner_comes_from_the_proposals_own_notices_and_without_any_from_a_link() {
    let mut ledger = ledger();
    assert_eq!(ledger.partner(), None);
    ledger.link(link("P", 9), at(0), &Rules::default());
    ledger.link(link("O", 8), at(0), &Rules::default());
    assert_eq!(ledger.partner(), Some(PartnerId(8)));
    // A link makes no owner, so a notice of partner 7 is not rejected.
    assert!(matches!(
        deliver(&mut ledger, 2, payment(), 1),
        DeliveryOutcome::Held(_)
    ));
    assert_eq!(ledger.partner(), Some(PartnerId(7)));
    assert_eq!(ledger.valid_links().count(), 0);
    ledger.link(link("N", 7), at(2), &Rules::default());
    assert_eq!(ledger.valid_links().collect::<Vec<_>>(), [&link("N", 7)]);
    assert_eq!(ledger.held().count(), 0);
}

#[test]
fn a_cycle_of_links_ends() {
    let mut a = ledger();
    let mut b = Ledger::empty(num("B"));
    let rules = Rules::default();
    deliver(&mut a, 5, json!({"newInsureNum": "B"}), 0);
    deliver(&mut b, 5, json!({"insureNum": "B", "newInsureNum": "A"}), 0);
    for minute in 0..3 {
        a.link(link("B", 7), at(minute), &rules);
        b.link(link("A", 7), at(minute), &rules);
    }
    a.settle(at(60), &rules);
    b.settle(at(60), &rules);
    let (a, b) = (Rows::of(&a), Rows::of(&b));
    assert_eq!(
        (
            a.proposals[&()].reissued_from.as_ref(),
            a.proposals[&()].reissued_to.as_ref()
        ),
        (Some(&num("B")), Some(&num("B")))
    );
    assert_eq!(b.proposals[&()].reissued_from, Some(num("A")));
}

#[test]
fn with_a_wait_of_zero_the_outcome_is_that_after_the_time_out() {
    let impatient = |on_timeout| {
        crate::samples::rules(|settings| {
            for step in settings.steps.values_mut() {
                step.max_wait = chrono::TimeDelta::zero();
                step.on_timeout = on_timeout;
            }
        })
    };
    let payment = || arrival(2, payment(), at(0));
    let mut ledger = ledger();
    let rules = impatient(crate::rules::OnTimeout::Apply);
    assert_eq!(ledger.deliver(payment(), at(0), &rules), DeliveryOutcome::Applied);
    assert!(ledger.entries[0].out_of_order);

    let mut ledger = Ledger::empty(num("A"));
    let rules = impatient(crate::rules::OnTimeout::DeadLetter);
    let DeliveryOutcome::Rejected(rejection) = ledger.deliver(payment(), at(0), &rules) else {
        panic!("not rejected");
    };
    assert_eq!(rejection.reason, Reason::TimedOut);
    // The caller makes the dead letter, as for any rejected delivery, so the ledger must not add another.
    assert_eq!((ledger.entries.len(), ledger.rejected.len()), (0, 0));
    assert_eq!(ledger.owner, None);
}

#[test]
fn a_notice_that_times_out_into_a_dead_letter_leaves_the_ledger_and_can_come_again() {
    let strict = crate::samples::rules(|settings| {
        for step in settings.steps.values_mut() {
            step.on_timeout = crate::rules::OnTimeout::DeadLetter;
        }
    });
    let mut ledger = ledger();
    ledger.deliver(arrival(1, json!({}), at(0)), at(0), &strict);
    let issue = || arrival(3, policy("赵一"), at(0));
    ledger.deliver(issue(), at(0), &strict);
    ledger.settle(at(10), &strict);
    assert_eq!((ledger.entries.len(), ledger.rejected.len()), (1, 1));
    assert_eq!(ledger.rejected[0].1.reason, Reason::TimedOut);
    // After requeuing it waits again, from now on.
    let DeliveryOutcome::Held(hold) = ledger.deliver(issue(), at(days(1)), &strict) else {
        panic!("not held");
    };
    assert_eq!(hold.until, at(days(1) + 10));
    ledger.deliver(arrival(2, payment(), at(days(1))), at(days(1) + 1), &strict);
    assert_eq!(ledger.applied().count(), 3);
}
