//! Only endorsements and abnormalities can repeat.

use super::*;
use crate::rows::Rows;
use crate::samples::days;

/// The rows of one notice whose copies are received at these minutes and delivered in this order.
fn rows(notify_type: i64, received: &[i64]) -> Rows {
    let mut ledger = ledger();
    for minute in received {
        let copy = arrival(notify_type, json!({"status": 1}), at(*minute));
        ledger.deliver(copy, at(0), &Rules::default());
    }
    ledger.settle(at(60), &Rules::default());
    let counted: i64 = ledger.entries.iter().map(|entry| entry.deliveries.count).sum();
    assert_eq!(counted, received.len() as i64, "a delivery was not counted");
    Rows::of(&ledger)
}

/// The number of these rows, which are numbered without gaps.
fn occurrences(notify_type: i64, received: &[i64]) -> usize {
    let rows = rows(notify_type, received);
    let keys = rows.endorsements.keys().chain(rows.abnormalities.keys());
    let numbers: Vec<i32> = keys.map(|key| key.occurrence).collect();
    assert!((1..).zip(&numbers).all(|(n, number)| n == *number), "{numbers:?}");
    numbers.len()
}

/// All orders of the items.
fn orders(items: &[i64]) -> Vec<Vec<i64>> {
    if items.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        all.extend(
            orders(&rest)
                .into_iter()
                .map(|order| [vec![first], order].concat()),
        );
    }
    all
}

#[test]
fn a_copy_within_the_window_is_a_duplicate_and_one_after_it_a_new_occurrence() {
    for notify_type in [26, 27] {
        assert_eq!(occurrences(notify_type, &[0, 0]), 1);
        assert_eq!(occurrences(notify_type, &[0, days(7)]), 1);
        assert_eq!(occurrences(notify_type, &[0, days(7) + 1]), 2);
        assert_eq!(occurrences(notify_type, &[days(7) + 1, 0]), 2);
    }
}

#[test]
fn the_window_runs_from_the_previous_copy_not_from_the_first() {
    assert_eq!(occurrences(26, &[0, days(6), days(12), days(18)]), 1);
    assert_eq!(occurrences(26, &[0, days(6), days(14)]), 2);
}

#[test]
fn the_order_of_arrival_makes_no_difference_to_the_rows() {
    let (six, nine) = (days(6), days(9));
    let cases = [
        (vec![0, six, 2 * six], 1),
        (vec![0, six, 2 * six, 3 * six, 4 * six], 1),
        (vec![0, 1, six, six + nine, six + nine + 1], 2),
        (vec![0, nine, 2 * nine, 2 * nine + six, 3 * nine], 3),
        (vec![0, nine, 2 * nine, 3 * nine], 4),
    ];
    for (received, expected) in cases {
        for notify_type in [26, 27] {
            assert_eq!(occurrences(notify_type, &received), expected, "{received:?}");
            let in_order = rows(notify_type, &received);
            for order in orders(&received) {
                assert_eq!(rows(notify_type, &order), in_order, "{order:?}");
            }
        }
    }
}

#[test]
fn every_occurrence_is_an_entry_with_its_own_number() {
    let mut ledger = ledger();
    for week in 0..3 {
        let outcome = deliver(&mut ledger, 27, json!({"failMsg": "x"}), days(8 * week));
        assert_eq!(outcome, DeliveryOutcome::Applied);
    }
    let numbers: Vec<i32> = ledger.entries.iter().map(|entry| entry.occurrence).collect();
    assert_eq!((numbers, seqs(&ledger, 27)), (vec![1, 2, 3], vec![1, 2, 3]));
}

#[test]
fn the_window_is_configurable() {
    let short = rules(|settings| settings.repeat_window = TimeDelta::minutes(1));
    let mut ledger = ledger();
    for minute in [0, 1, 3] {
        ledger.deliver(arrival(27, json!({}), at(minute)), at(minute), &short);
    }
    assert_eq!(ledger.entries.len(), 2);
    assert_eq!(ledger.entries[0].deliveries.count, 2);
}

#[test]
fn any_other_notice_is_a_duplicate_for_ever() {
    let others = [
        (1, json!({})),
        (2, payment()),
        (3, policy("赵一")),
        (4, json!({})),
        (9, json!({})),
    ];
    for (notify_type, data) in others {
        let mut ledger = ledger();
        deliver(&mut ledger, notify_type, data.clone(), 0);
        assert_eq!(
            deliver(&mut ledger, notify_type, data, days(4000)),
            DeliveryOutcome::Duplicate
        );
    }
}

#[test]
fn the_same_data_under_another_type_is_another_notice() {
    let mut ledger = ledger();
    for notify_type in [1, 4, 9] {
        assert_ne!(
            deliver(&mut ledger, notify_type, json!({}), 0),
            DeliveryOutcome::Duplicate
        );
    }
    assert_eq!(ledger.entries.len(), 3);
}

#[test]
fn only_a_difference_in_values_makes_another_notice_not_the_order_of_keys() {
    let mut ledger = ledger();
    let mut text = |data: &str| {
        let raw = bytes::Bytes::from(format!(r#"{{"notifyType":1,"sign":"","data":{data}}}"#));
        let notice = crate::facts::Notice::read(&raw).expect("a sound notice");
        let arrival = Arrival {
            notice: notice.into(),
            raw,
            received_at: at(0),
            redelivered: false,
        };
        ledger.deliver(arrival, at(0), &Rules::default())
    };
    assert_eq!(
        text(r#"{"insureNum":"A","partnerId":7,"state":true}"#),
        DeliveryOutcome::Applied
    );
    assert_eq!(
        text(
            r#"{ "state": true, "\u0069nsureNum": "A", "partnerId": 7.0e0 }"#
                .replace("7.0e0", "7")
                .as_str()
        ),
        DeliveryOutcome::Duplicate
    );
    assert_eq!(
        text(r#"{"insureNum":"A","partnerId":"7","state":true}"#),
        DeliveryOutcome::Applied
    );
    assert_eq!(
        text(r#"{"insureNum":"A","partnerId":7,"state":true,"failMsg":null}"#),
        DeliveryOutcome::Applied
    );
}
