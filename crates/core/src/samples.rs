//! Notices and ledgers for the tests of this crate.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::facts::Notice;
use crate::id::InsureNum;
use crate::ledger::{Arrival, Ledger};
use crate::reason::Rejection;
use crate::rules::{RuleSettings, Rules};
use crate::sequencing::DeliveryOutcome;

/// Minutes after noon of 1 March 2026, UTC.
pub fn at(minutes: i64) -> DateTime<Utc> {
    let noon = DateTime::from_timestamp(1_772_366_400, 0).expect("noon");
    noon + TimeDelta::minutes(minutes)
}

pub fn days(days: i64) -> i64 {
    days * 24 * 60
}

pub fn num(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("short enough").expect("not blank")
}

/// The HTTP body of a notice of partner 7 about proposal A with `state` true. `data` adds and overrides members; `null` removes one.
pub fn body(notify_type: i64, data: Value) -> Bytes {
    let mut members = json!({"insureNum": "A", "partnerId": 7, "state": true});
    for (key, value) in data.as_object().expect("an object") {
        members[key] = value.clone();
    }
    let stated = members.as_object_mut().expect("an object");
    stated.retain(|_, value| !value.is_null());
    Bytes::from(json!({"notifyType": notify_type, "sign": "", "data": members}).to_string())
}

pub fn read(notify_type: i64, data: Value) -> Result<Notice, Rejection> {
    Notice::read(&body(notify_type, data))
}

pub fn notice(notify_type: i64, data: Value) -> Notice {
    read(notify_type, data).expect("a sound notice")
}

pub fn arrival(notify_type: i64, data: Value, received_at: DateTime<Utc>) -> Arrival {
    let raw = body(notify_type, data);
    Arrival {
        notice: Notice::read(&raw).expect("a sound notice").into(),
        raw,
        received_at,
        redelivered: false,
    }
}

pub fn rules(edit: impl FnOnce(&mut RuleSettings)) -> Rules {
    let mut settings = RuleSettings::default();
    edit(&mut settings);
    Rules::new(settings).expect("sound rules")
}

pub fn ledger() -> Ledger {
    Ledger::empty(num("A"))
}

/// Delivers a notice under the default rules, at the minute of its receipt.
pub fn deliver(ledger: &mut Ledger, notify_type: i64, data: Value, minute: i64) -> DeliveryOutcome {
    ledger.deliver(
        arrival(notify_type, data, at(minute)),
        at(minute),
        &Rules::default(),
    )
}

/// A successful payment, as `data` of type 2.
pub fn payment() -> Value {
    json!({"price": 19900, "payTime": "2026-03-01 10:00:00", "onlinePaymentId": "21"})
}

/// A successful issue of policy P1 for these persons, as `data` of type 3.
pub fn policy(insurant: &str) -> Value {
    json!({"policys": [{"policyNum": "P1", "insurant": insurant}]})
}
