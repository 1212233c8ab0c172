use serde_json::{Value, json};

use super::*;
use crate::ledger::{Ledger, Link};
use crate::rules::Rules;
use crate::samples::{at, deliver, ledger, num, payment, policy};

mod policies;

/// A ledger with these notices, after all waits have ended.
fn settled(notices: &[(i64, Value)]) -> Ledger {
    let mut ledger = ledger();
    for (minute, (notify_type, data)) in notices.iter().enumerate() {
        deliver(&mut ledger, *notify_type, data.clone(), minute as i64);
    }
    ledger.settle(at(1000), &Rules::default());
    ledger
}

fn rows(notices: &[(i64, Value)]) -> Rows {
    Rows::of(&settled(notices))
}

fn proposal(notices: &[(i64, Value)]) -> ProposalRow {
    rows(notices).proposals[&()].clone()
}

fn with(mut data: Value, key: &str, value: impl Into<Value>) -> Value {
    data[key] = value.into();
    data
}

#[test]
fn a_held_notice_makes_no_row() {
    let mut ledger = ledger();
    deliver(&mut ledger, 2, payment(), 0);
    assert_eq!(Rows::of(&ledger), Rows::default());
}

#[test]
fn fact_keys_never_change() {
    let rows = rows(&[
        (2, payment()),
        (2, json!({"state": false})),
        (4, json!({"cancelInsurants": ["赵一", "钱二"]})),
        (5, json!({"newInsureNum": "B"})),
    ]);
    // printf '%s' '[true,"2026-03-01 10:00:00",19900,21]' | sha256sum | head -c 32, and so on:
    // [false,null,null,null], [4,true,["赵一","钱二"],null], [5,true,[],"B"].
    let keys = |table: Vec<&FactKey>| table.into_iter().map(|key| key.0.clone()).collect::<Vec<_>>();
    assert_eq!(
        keys(rows.payments.keys().collect()),
        [
            "b96a114ffcba975cb5bae6f4716aefb8",
            "d2084533aabffeb6d842f8280a336db5"
        ]
    );
    assert_eq!(
        keys(rows.cancellations.keys().collect()),
        [
            "44233cc021f83c0fac1fc75a3c302fb3",
            "7c4e9a1c6fc201218c62a057980330da"
        ]
    );
}

#[test]
fn a_payment_reported_twice_is_one_row_with_the_greatest_message() {
    let rows = rows(&[
        (2, with(payment(), "failMsg", "b")),
        (2, payment()),
        (2, with(payment(), "failMsg", "a")),
        (2, with(payment(), "onlinePaymentId", 21)),
    ]);
    let payments: Vec<&PaymentRow> = rows.payments.values().collect();
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0].fail_msg.as_deref(), Some("b"));
}

#[test]
fn any_difference_in_outcome_time_price_or_gateway_is_another_payment() {
    let others = [
        with(payment(), "state", false),
        with(payment(), "price", 19901),
        with(payment(), "payTime", "2026-03-01 10:00:01"),
        with(payment(), "onlinePaymentId", 1),
        with(payment(), "onlinePaymentId", Value::Null),
    ];
    let all: Vec<(i64, Value)> = others
        .into_iter()
        .chain([payment()])
        .map(|data| (2, data))
        .collect();
    assert_eq!(rows(&all).payments.len(), 6);
}

#[test]
fn only_the_payment_of_a_reissue_moves_no_new_money() {
    let new_money = |gateway: Value| {
        let rows = rows(&[(2, with(payment(), "onlinePaymentId", gateway))]);
        rows.payments.values().next().expect("a payment").new_money
    };
    assert!(!new_money(json!(-3)));
    assert!(!new_money(json!("-12")));
    assert!(new_money(json!(-11)));
    assert!(new_money(Value::Null));
}

#[test]
fn a_cancellation_reported_twice_is_one_row_with_the_greatest_value_of_each_column() {
    let some =
        |cancel: &str, fail: &str| json!({"cancelInsurants": ["赵一"], "cancelMsg": cancel, "failMsg": fail});
    let rows = rows(&[
        (4, some("a", "d")),
        (4, some("b", "c")),
        (4, json!({"cancelInsurants": "赵一、赵一"})),
        (4, json!({"cancelInsurants": "赵\u{3000}一"})),
    ]);
    let cancellations: Vec<&CancellationRow> = rows.cancellations.values().collect();
    assert_eq!(cancellations.len(), 1);
    assert_eq!(cancellations[0].insurants.as_deref(), Some(r#"["赵一"]"#));
    assert_eq!(cancellations[0].cancel_msg.as_deref(), Some("b"));
    assert_eq!(cancellations[0].fail_msg.as_deref(), Some("d"));
}

#[test]
fn any_difference_in_type_outcome_persons_or_new_number_is_another_cancellation() {
    let all = [
        (4, json!({})),
        (4, json!({"state": false})),
        (4, json!({"cancelInsurants": ["赵一"]})),
        (4, json!({"newInsureNum": "B"})),
        (5, json!({"newInsureNum": "B"})),
        (5, json!({"newInsureNum": "C"})),
    ];
    assert_eq!(rows(&all).cancellations.len(), 6);
}

#[test]
fn the_key_and_the_case_come_from_the_lowest_type_that_states_them() {
    let stating = |key: &str, case: &str| json!({"partnerUniqueKey": key, "caseCode": case});
    let of = |notices: &[(i64, Value)]| {
        let row = proposal(notices);
        (
            row.partner_unique_key.unwrap_or_default(),
            row.case_code.unwrap_or_default(),
        )
    };
    let notices = [
        (27, stating("z", "")),
        (9, stating("y", "c")),
        (4, stating("", "b")),
        (1, stating("", " ")),
    ];
    assert_eq!(of(&notices), ("y".to_owned(), "b".to_owned()));
    // The greatest value among notices of the same type, failed ones included.
    let notices = [
        (1, stating("a", "")),
        (1, with(stating("b", ""), "state", false)),
        (2, with(payment(), "partnerUniqueKey", "z")),
    ];
    assert_eq!(of(&notices).0, "b");
    // Bytewise: a longer text is greater, a capital is less.
    assert_eq!(
        of(&[
            (1, stating("a", "")),
            (1, stating("aB", "")),
            (1, stating("Z", ""))
        ])
        .0,
        "aB"
    );
}

#[test]
fn e_policy_and_abnormality_are_flags_beside_the_status() {
    let row = proposal(&[(9, json!({})), (27, json!({}))]);
    assert_eq!((row.status, row.e_policy_ready, row.abnormal), (None, true, true));
    let row = proposal(&[(9, json!({"state": false})), (1, json!({}))]);
    assert_eq!(
        (row.status.map(|s| s.name()), row.e_policy_ready, row.abnormal),
        (Some("insured"), false, false)
    );
}

#[test]
fn endorsements_and_abnormalities_are_a_log_of_distinct_notices() {
    let rows = rows(&[
        (26, json!({"status": 1})),
        (26, json!({"status": 1, "msg": "m"})),
        (26, json!({"status": 1, "state": false, "remark": "r"})),
        (26, json!({"status": 1})),
        (27, json!({})),
        (27, json!({"failMsg": "x"})),
    ]);
    assert_eq!((rows.endorsements.len(), rows.abnormalities.len()), (3, 2));
}

#[test]
fn a_link_alone_makes_the_row_of_the_new_proposal_without_status() {
    let mut ledger = ledger();
    for (from, partner_id) in [("O", PartnerId(7)), ("P", PartnerId(7)), ("Q", PartnerId(8))] {
        let link = Link {
            reissued_from: num(from),
            partner_id,
        };
        ledger.link(link, at(0), &Rules::default());
    }
    let row = Rows::of(&ledger).proposals[&()].clone();
    assert_eq!(
        (row.partner_id, row.status, row.reissued_from),
        (PartnerId(7), None, Some(num("P")))
    );
}

#[test]
fn the_partner_of_own_notices_outranks_the_partner_of_a_link() {
    let mut ledger = ledger();
    let foreign = Link {
        reissued_from: num("O"),
        partner_id: PartnerId(3),
    };
    ledger.link(foreign, at(0), &Rules::default());
    assert_eq!(Rows::of(&ledger).proposals[&()].partner_id, PartnerId(3));
    deliver(&mut ledger, 1, json!({}), 1);
    let row = Rows::of(&ledger).proposals[&()].clone();
    assert_eq!((row.partner_id, row.reissued_from), (PartnerId(7), None));
}

#[test]
fn changes_hold_only_the_rows_that_differ() {
    let mut ledger = settled(&[(1, json!({})), (2, payment()), (3, policy("赵一"))]);
    let before = Rows::of(&ledger);
    deliver(&mut ledger, 9, json!({}), 5);
    let changes = Changes::between(&before, &Rows::of(&ledger));
    assert_eq!(changes.proposals.upserts.len(), 1);
    assert!(changes.payments.is_empty() && changes.policies.is_empty() && changes.insured_persons.is_empty());
    assert!(!changes.proposals.is_empty());
    let back = Changes::between(&Rows::of(&ledger), &Rows::default());
    assert_eq!(
        (
            back.payments.deletes.len(),
            back.policies.deletes.len(),
            back.proposals.deletes.len()
        ),
        (1, 1, 1)
    );
}

#[test]
fn deletes_alone_are_changes_too() {
    let before = rows(&[(2, payment())]);
    let changes = Changes::between(&before, &Rows::default());
    assert!(changes.payments.upserts.is_empty() && !changes.payments.is_empty());
}

#[test]
fn every_table_is_counted() {
    let rows = rows(&[
        (2, payment()),
        (3, policy("赵一、钱二")),
        (4, json!({})),
        (26, json!({"status": 1})),
        (27, json!({})),
    ]);
    let expected = [
        ("proposals", 1),
        ("payments", 1),
        ("policies", 1),
        ("insured_persons", 2),
        ("cancellations", 1),
        ("endorsements", 1),
        ("abnormalities", 1),
        ("unmatched_persons", 0),
    ];
    assert_eq!(rows.counts(), expected);
}
