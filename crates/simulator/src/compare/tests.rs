use bytes::Bytes;

use super::super::rows::{Abnormality, InsuredPerson, Payment, Rows};
use super::*;

fn person(name: &str, cancelled: bool) -> InsuredPerson {
    InsuredPerson {
        insure_num: "A".to_owned(),
        policy_num: "P".to_owned(),
        name: name.to_owned(),
        cancelled,
    }
}

fn persons(persons: &[(&str, bool)]) -> Rows {
    let insured_persons = persons
        .iter()
        .map(|(name, cancelled)| person(name, *cancelled))
        .collect();
    Rows {
        insured_persons,
        ..Rows::default()
    }
}

fn compare(expected: &Rows, found: &Rows) -> Differences {
    let mut findings = Differences::default();
    compare_rows(expected, found, &mut findings);
    findings
}

fn counts(findings: &Differences) -> (u64, u64, u64) {
    (findings.lost, findings.extra, findings.differing)
}

#[test]
fn the_same_rows_in_any_order_are_clean() {
    let findings = compare(
        &persons(&[("甲", true), ("乙", false)]),
        &persons(&[("乙", false), ("甲", true)]),
    );
    assert!(findings.is_clean(), "{findings:?}");
}

#[test]
fn a_lost_an_extra_and_a_differing_row_are_found() {
    let expected = persons(&[("甲", true), ("乙", false)]);
    let found = persons(&[("甲", false), ("丙", false)]);
    let findings = compare(&expected, &found);
    assert_eq!(counts(&findings), (1, 1, 1));
    let differing = findings
        .first
        .iter()
        .find(|finding| finding.kind == DifferenceKind::Differing)
        .expect("is shown");
    assert_eq!(differing.table, "insured_persons");
    assert_eq!(differing.insure_num, "A");
    assert_eq!(differing.key, "policy_num=P name=甲");
    assert_eq!(differing.column, Some("cancelled"));
    assert_eq!(
        (differing.expected.as_deref(), differing.found.as_deref()),
        (Some("true"), Some("false"))
    );
}

#[test]
fn rows_of_a_log_are_counted() {
    let log = |count| Rows {
        abnormalities: vec![
            Abnormality {
                insure_num: "A".to_owned(),
                fail_msg: None
            };
            count
        ],
        ..Rows::default()
    };
    assert_eq!(counts(&compare(&log(2), &log(2))), (0, 0, 0));
    assert_eq!(counts(&compare(&log(3), &log(1))), (2, 0, 0));
    assert_eq!(counts(&compare(&log(1), &log(2))), (0, 1, 0));
}

#[test]
fn a_row_that_differs_in_two_columns_is_one_row() {
    let payment = |fail_msg: Option<&str>, new_money| Rows {
        payments: vec![Payment {
            insure_num: "A".to_owned(),
            success: true,
            price_fen: None,
            gateway: None,
            pay_time: None,
            fail_msg: fail_msg.map(str::to_owned),
            new_money,
        }],
        ..Rows::default()
    };
    let findings = compare(&payment(None, true), &payment(Some(""), false));
    assert_eq!(counts(&findings), (0, 0, 1));
    assert_eq!(findings.first.len(), 2);
}

#[test]
fn all_is_counted_but_only_the_first_findings_are_shown() {
    let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let many: Vec<(&str, bool)> = names.iter().map(|name| (name.as_str(), false)).collect();
    let findings = compare(&persons(&many), &Rows::default());
    assert_eq!((findings.lost, findings.first.len()), (50, SHOWN));
}

const BODY: &str = r#"{"notifyType":1,"sign":"aa","data":{"insureNum":"A","state":true}}"#;

fn expected_notice() -> ExpectedNotice {
    ExpectedNotice {
        insure_num: "A".to_owned(),
        notify_type: 1,
        documented: true,
        acks: 2,
        body: Bytes::from_static(BODY.as_bytes()),
        twin: None,
    }
}

fn stored(body: &str, seq: Option<i64>) -> StoredNotice {
    StoredNotice {
        insure_num: "A".to_owned(),
        notify_type: 1,
        outcome: if seq.is_some() { "applied" } else { "held" }.to_owned(),
        seq,
        deliveries: 2,
        raw: body.as_bytes().to_vec(),
        pruned: false,
    }
}

fn inbox(rows: &[StoredNotice]) -> Differences {
    let mut findings = Differences::default();
    compare_notices(&[expected_notice()], rows, &mut findings);
    findings
}

#[test]
fn a_notice_stored_once_and_applied_is_clean() {
    assert!(inbox(&[stored(BODY, Some(1))]).is_clean());
}

#[test]
fn a_pruned_notice_is_counted_and_its_body_is_not_compared() {
    let pruned = StoredNotice {
        pruned: true,
        ..stored("", Some(1))
    };
    let found = inbox(std::slice::from_ref(&pruned));
    assert!(found.is_clean(), "{found:?}");
    assert_eq!(found.pruned, 1);
    let of_another_type = inbox(&[StoredNotice {
        notify_type: 2,
        ..pruned
    }]);
    assert_eq!(counts(&of_another_type), (1, 1, 0));
}

#[test]
fn a_notice_that_is_missing_or_there_twice_is_found() {
    assert_eq!(counts(&inbox(&[])), (1, 0, 0));
    assert_eq!(
        counts(&inbox(&[stored(BODY, Some(1)), stored(BODY, Some(2))])),
        (0, 1, 0)
    );
}

#[test]
fn a_notice_still_held_and_a_delivery_not_counted_differ() {
    let held = inbox(&[stored(BODY, None)]);
    assert_eq!(counts(&held), (0, 0, 1));
    assert_eq!(held.first[0].column, Some("outcome"));
    let few = inbox(&[StoredNotice {
        deliveries: 1,
        ..stored(BODY, Some(1))
    }]);
    assert_eq!(few.first[0].column, Some("deliveries"));
}

#[test]
fn a_gap_in_the_sequence_is_found() {
    let findings = inbox(&[stored(BODY, Some(2))]);
    assert_eq!(counts(&findings), (0, 0, 1));
    assert_eq!(findings.first[0].column, Some("seq"));
}

#[test]
fn a_body_that_was_rewritten_differs_but_another_signature_does_not() {
    let rewritten = inbox(&[stored(&BODY.replace(":true", ": true"), Some(1))]);
    assert_eq!(rewritten.first[0].column, Some("raw"));
    assert!(inbox(&[stored(&BODY.replace("\"aa\"", "\"bb\""), Some(1))]).is_clean());
    assert_eq!(
        counts(&inbox(&[stored(&BODY.replace("true", "false"), Some(1))])),
        (1, 1, 0)
    );
}
