//! The work of a transaction on one delivery, between loading the ledger and writing the changes.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, Criterion};
use xiebao_core::facts::Notice;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::{Arrival, Ledger};
use xiebao_core::rows::{Changes, Rows};
use xiebao_core::rules::Rules;
use xiebao_core::signature::Form;

use crate::notices::{PROPOSAL, alarm, body, endorsed, insured, issued, left, paid};

pub fn all(c: &mut Criterion) {
    load(c);
    decide(c);
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_513) + TimeDelta::minutes(minute)
}

/// A life of nine notices, in order.
fn life() -> [(i64, String); 9] {
    [
        (1, insured()),
        (2, paid()),
        (3, issued(2)),
        (9, insured()),
        (26, endorsed(3)),
        (26, endorsed(1)),
        (26, endorsed(4)),
        (4, left("李四")),
        (27, alarm()),
    ]
}

fn arrival(notify_type: i64, data: &str, minute: i64) -> Arrival {
    let raw = body(notify_type, data, Form::Raw);
    Arrival {
        notice: Notice::read(&raw).expect("a sound notice").into(),
        raw,
        received_at: at(minute),
        redelivered: false,
    }
}

/// The ledger of these notices, received a minute apart.
fn ledger(notices: &[(i64, String)]) -> Ledger {
    let proposal = InsureNum::parse(PROPOSAL).expect("short").expect("not blank");
    let mut ledger = Ledger::empty(proposal);
    for ((notify_type, data), minute) in notices.iter().zip(0..) {
        ledger.deliver(arrival(*notify_type, data, minute), at(minute), &Rules::default());
    }
    ledger
}

/// A worker reads all stored notices of a proposal before it decides about the next one.
fn load(c: &mut Criterion) {
    let bodies: Vec<Bytes> = life()
        .iter()
        .map(|(notify_type, data)| body(*notify_type, data, Form::Raw))
        .collect();
    let read = || bodies.iter().map(Notice::read).collect::<Vec<_>>();
    c.bench_function("load/nine notices", |b| b.iter(read));
}

fn decide(c: &mut Criterion) {
    let nine = ledger(&life());
    let waiting = ledger(&[(1, insured()), (3, issued(2)), (9, insured()), (26, endorsed(1))]);
    assert_eq!((nine.held().count(), waiting.held().count()), (0, 3));
    let cases = [
        ("first notice", ledger(&[]), arrival(1, &insured(), 9)),
        ("tenth notice", nine.clone(), arrival(26, &endorsed(5), 9)),
        ("duplicate", nine, arrival(3, &issued(2), 9)),
        ("late predecessor of three", waiting, arrival(2, &paid(), 9)),
    ];
    let rules = Rules::default();
    let mut group = c.benchmark_group("decide");
    for (name, ledger, arrival) in cases {
        let input = || (ledger.clone(), arrival.clone());
        group.bench_function(name, |b| {
            b.iter_batched(input, |(l, a)| decided(l, a, &rules), BatchSize::SmallInput);
        });
    }
}

/// Returns all values, so that dropping them is not measured.
fn decided(mut ledger: Ledger, arrival: Arrival, rules: &Rules) -> (Ledger, Changes) {
    let before = Rows::of(&ledger);
    ledger.deliver(arrival, at(9), rules);
    ledger.settle(at(9), rules);
    let changes = Changes::between(&before, &Rows::of(&ledger));
    (ledger, changes)
}
