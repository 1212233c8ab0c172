//! The counts of ended waits.

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::json;
use xiebao_core::facts::Notice;

use super::*;

/// Minutes after the epoch.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

/// Delivers the same endorsement each time.
fn deliver(ledger: &mut Ledger, minute: i64) {
    let data = json!({"insureNum": "A", "partnerId": 7, "state": true, "status": 1});
    let raw = Bytes::from(json!({"notifyType": 26, "sign": "", "data": data}).to_string());
    let arrival = Arrival {
        notice: Notice::read(&raw).expect("a sound notice").into(),
        raw,
        received_at: at(minute),
        redelivered: false,
    };
    let verdict = ledger.deliver(arrival, at(minute), &Rules::default());
    assert!(matches!(verdict, DeliveryOutcome::Held(_)), "{verdict:?}");
}

/// The number of waits that ended by timeout if the proposal is settled in this minute.
fn timed_out(ledger: &Ledger, minute: i64) -> usize {
    let (mut writes, mut outcome) = (Writes::default(), Outcome::default());
    let (task, rules) = (Task::default(), Rules::default());
    decide(
        ledger.clone(),
        &task,
        at(minute),
        &rules,
        &mut writes,
        &mut outcome,
    );
    outcome.timed_out
}

#[test]
fn a_repetition_that_waits_is_not_counted_for_the_first_that_timed_out() {
    let mut ledger = Ledger::empty(InsureNum::parse("A").expect("it fits").expect("it is one"));
    deliver(&mut ledger, 0);
    assert_eq!(timed_out(&ledger, 9), 0);
    assert_eq!(timed_out(&ledger, 10), 1);
    ledger.settle(at(10), &Rules::default());
    let week_after = 8 * 24 * 60;
    deliver(&mut ledger, week_after);
    assert_eq!(timed_out(&ledger, week_after + 1), 0);
    assert_eq!(timed_out(&ledger, week_after + 10), 1);
}
