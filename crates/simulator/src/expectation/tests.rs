use chrono::{NaiveDate, NaiveDateTime};

use super::super::story::{Cancellation, Endorsement, Payment, PolicyEntry, StepOutcome};
use super::*;

const PARTNER: PartnerId = PartnerId(7);

fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).ok().flatten().expect("a proposal number")
}

fn notice(insure_num: &str, event: Event) -> Notice {
    Notice {
        insure_num: number(insure_num),
        partner_unique_key: Some("u".to_owned()),
        case_code: None,
        other_info: Vec::new(),
        event,
    }
}

fn told(proposals: &[&str], notices: Vec<Notice>) -> Rows {
    let proposals = proposals.iter().map(|text| number(text)).collect();
    rows_of(
        &Story {
            index: 0,
            proposals,
            notices,
        },
        PARTNER,
    )
}

fn at(hour: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 7, 23)
        .and_then(|day| day.and_hms_opt(hour, 0, 0))
        .expect("a time")
}

fn paid(success: bool, fail_msg: Option<&str>, gateway: i64) -> Event {
    let outcome = StepOutcome {
        success,
        fail_msg: fail_msg.map(str::to_owned),
    };
    Event::Paid(Payment {
        outcome,
        price_fen: Some(100),
        gateway: Some(gateway),
        pay_time: Some(at(9)),
    })
}

fn policy(policy_num: &str, persons: &[&str]) -> PolicyEntry {
    PolicyEntry {
        policy_num: Some(policy_num.to_owned()),
        product_id: Some(1),
        persons: persons.iter().map(|name| (*name).to_owned()).collect(),
        ..PolicyEntry::default()
    }
}

fn issued(policies: Vec<PolicyEntry>) -> Event {
    Event::Issued {
        outcome: StepOutcome::ok(),
        policies,
    }
}

fn leaving(outcome: StepOutcome, persons: &[&str], cancel_msg: Option<&str>) -> Cancellation {
    Cancellation {
        outcome,
        persons: persons.iter().map(|name| (*name).to_owned()).collect(),
        cancel_msg: cancel_msg.map(str::to_owned),
    }
}

fn proposal(insure_num: &str, status: Option<&str>) -> rows::Proposal {
    rows::Proposal {
        insure_num: insure_num.to_owned(),
        partner_id: 7,
        partner_unique_key: Some("u".to_owned()),
        case_code: None,
        status: status.map(str::to_owned),
        e_policy_ready: false,
        abnormal: false,
        reissued_from: None,
        reissued_to: None,
    }
}

fn person(policy_num: &str, name: &str, cancelled: bool) -> rows::InsuredPerson {
    rows::InsuredPerson {
        insure_num: "A".to_owned(),
        policy_num: policy_num.to_owned(),
        name: name.to_owned(),
        cancelled,
    }
}

#[test]
fn a_payment_reported_twice_is_one_row_with_the_greatest_words() {
    let rows = told(
        &["A"],
        vec![
            notice("A", paid(false, Some("b"), 21)),
            notice("A", paid(true, None, 21)),
            notice("A", paid(false, Some("余"), 21)),
            notice("A", paid(false, None, -3)),
        ],
    );
    let payment = |success, gateway, fail_msg: Option<&str>, new_money| rows::Payment {
        insure_num: "A".to_owned(),
        success,
        price_fen: Some(100),
        gateway: Some(gateway),
        pay_time: Some(at(9)),
        fail_msg: fail_msg.map(str::to_owned),
        new_money,
    };
    let expected = vec![
        payment(false, -3, None, false),
        payment(false, 21, Some("余"), true),
        payment(true, 21, None, true),
    ];
    assert_eq!(rows.payments, expected);
    assert_eq!(rows.proposals, [proposal("A", Some("paid"))]);
}

#[test]
fn persons_of_one_policy_unite_and_leave_every_policy_they_are_in() {
    let rows = told(
        &["A"],
        vec![
            notice(
                "A",
                Event::Cancelled(leaving(StepOutcome::ok(), &["乙", "甲"], None)),
            ),
            notice(
                "A",
                issued(vec![policy("P1", &["甲", "丙"]), policy("P1", &["丁", "丙"])]),
            ),
            notice("A", issued(vec![policy("P2", &["甲"])])),
            notice(
                "A",
                Event::Cancelled(leaving(StepOutcome::failed("x"), &["丙"], None)),
            ),
        ],
    );
    let mut expected = vec![
        person("P1", "甲", true),
        person("P1", "丙", false),
        person("P1", "丁", false),
    ];
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    expected.push(person("P2", "甲", true));
    assert_eq!(rows.insured_persons, expected);
    assert!(rows.policies.iter().all(|policy| !policy.cancelled));
    assert_eq!(rows.proposals, [proposal("A", Some("partially_cancelled"))]);
    let insurants: Vec<_> = rows
        .cancellations
        .iter()
        .map(|row| row.insurants.as_deref())
        .collect();
    assert_eq!(insurants, [Some("[\"丙\"]"), Some("[\"乙\",\"甲\"]")]);
    let unmatched: Vec<_> = rows
        .unmatched_persons
        .iter()
        .map(|row| row.names.as_str())
        .collect();
    assert_eq!(unmatched, ["[\"乙\"]"]);
}

#[test]
fn a_cancellation_in_other_words_is_the_same_row() {
    let cancelled =
        |msg, persons: &[&str]| notice("A", Event::Cancelled(leaving(StepOutcome::ok(), persons, msg)));
    let rows = told(
        &["A"],
        vec![
            cancelled(Some("a"), &["x", "y"]),
            cancelled(Some("b"), &["y", "x"]),
            cancelled(None, &[]),
        ],
    );
    let row = |insurants: Option<&str>, cancel_msg: Option<&str>| rows::Cancellation {
        insure_num: "A".to_owned(),
        notify_type: 4,
        success: true,
        insurants: insurants.map(str::to_owned),
        new_insure_num: None,
        cancel_msg: cancel_msg.map(str::to_owned),
        fail_msg: None,
    };
    assert_eq!(
        rows.cancellations,
        [row(None, None), row(Some("[\"x\",\"y\"]"), Some("b"))]
    );
    assert_eq!(rows.proposals, [proposal("A", Some("cancelled"))]);
}

#[test]
fn a_reissue_makes_the_row_of_the_new_proposal_and_cancels_the_policies() {
    let reissued = |from: &str, to: &str, outcome| {
        let cancellation = leaving(outcome, &[], None);
        notice(
            from,
            Event::Reissued {
                cancellation,
                new_insure_num: Some(number(to)),
            },
        )
    };
    let rows = told(
        &["A", "B", "C"],
        vec![
            notice("A", issued(vec![policy("P", &[])])),
            reissued("A", "C", StepOutcome::ok()),
            reissued("A", "B", StepOutcome::ok()),
            reissued("A", "D", StepOutcome::failed("x")),
        ],
    );
    let linked = |insure_num| rows::Proposal {
        partner_unique_key: None,
        reissued_from: Some("A".to_owned()),
        ..proposal(insure_num, None)
    };
    let old = rows::Proposal {
        reissued_to: Some("C".to_owned()),
        ..proposal("A", Some("reissued"))
    };
    assert_eq!(rows.proposals, [old, linked("B"), linked("C")]);
    assert_eq!(
        rows.policies
            .iter()
            .map(|policy| policy.cancelled)
            .collect::<Vec<_>>(),
        [true]
    );
    assert_eq!(rows.cancellations.len(), 3);
}

#[test]
fn a_success_outranks_a_failure_of_the_same_step_whichever_came_first() {
    let status = |events: Vec<Event>| {
        let notices = events.into_iter().map(|event| notice("A", event)).collect();
        told(&["A"], notices).proposals[0].status.clone()
    };
    let insured = Event::Insured(StepOutcome::ok());
    let failed = || Event::Issued {
        outcome: StepOutcome::failed("x"),
        policies: Vec::new(),
    };
    assert_eq!(
        status(vec![Event::Insured(StepOutcome::failed("x"))]).as_deref(),
        Some("insure_failed")
    );
    assert_eq!(
        status(vec![paid(false, None, 1), insured.clone()]).as_deref(),
        Some("pay_failed")
    );
    assert_eq!(
        status(vec![failed(), paid(true, None, 1)]).as_deref(),
        Some("issue_failed")
    );
    assert_eq!(
        status(vec![issued(vec![policy("P", &[])]), failed()]).as_deref(),
        Some("issued")
    );
    assert_eq!(
        status(vec![insured, Event::EPolicy(StepOutcome::ok())]).as_deref(),
        Some("insured")
    );
}

#[test]
fn user_and_product_come_from_the_lowest_type_that_states_them() {
    let stating = |event, user: Option<&str>, product: Option<&str>| Notice {
        partner_unique_key: user.map(str::to_owned),
        case_code: product.map(str::to_owned),
        ..notice("A", event)
    };
    let rows = told(
        &["A"],
        vec![
            stating(Event::EPolicy(StepOutcome::ok()), Some("zz"), Some("c9")),
            stating(paid(true, None, 1), Some("a"), None),
            stating(paid(false, None, 1), Some("b"), None),
            stating(Event::Insured(StepOutcome::ok()), None, None),
        ],
    );
    let found = &rows.proposals[0];
    assert_eq!(
        (found.partner_unique_key.as_deref(), found.case_code.as_deref()),
        (Some("b"), Some("c9"))
    );
    assert!(found.e_policy_ready);
}

#[test]
fn alarms_and_endorsements_are_logs_and_an_unknown_type_leaves_no_row() {
    let endorsed = Endorsement {
        success: true,
        status: 4,
        msg: None,
        remark: Some("r".to_owned()),
    };
    let mut again = notice("A", Event::Endorsed(endorsed.clone()));
    again.partner_unique_key = Some("v".to_owned());
    let rows = told(
        &["A", "B"],
        vec![
            notice("A", Event::Endorsed(endorsed)),
            again,
            notice("A", Event::Abnormal { fail_msg: None }),
            notice("B", Event::Unknown(xiebao_core::id::NotifyType(31))),
        ],
    );
    assert_eq!((rows.endorsements.len(), rows.abnormalities.len()), (2, 1));
    let found = rows::Proposal {
        abnormal: true,
        partner_unique_key: Some("v".to_owned()),
        ..proposal("A", None)
    };
    assert_eq!(rows.proposals, [found]);
}
