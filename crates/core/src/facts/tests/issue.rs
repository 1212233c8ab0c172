use std::collections::BTreeSet;

use super::*;

fn policies(data: Value) -> Vec<IssuedPolicy> {
    match notice(3, data).fact {
        Fact::Issued(policies) => policies,
        other => panic!("{other:?}"),
    }
}

fn one(entry: Value) -> IssuedPolicy {
    policies(json!({"policys": [entry]})).swap_remove(0)
}

#[test]
fn a_successful_issue_needs_a_policy_that_has_a_number() {
    let none = [
        json!(null),
        json!([]),
        json!(""),
        json!([{}]),
        json!([null]),
        json!([{"policyNum": ""}, {"policyNum": null}, {"policyNum": []}, {"insurant": "赵一"}]),
    ];
    for stated in none {
        let data = json!({"policys": stated});
        assert_eq!(refusal(3, data.clone()), Some(Reason::Incomplete), "{data}");
        assert_eq!(refusal(3, with(data, "state", json!(false))), None);
    }
    let some = policies(json!({"policys": [{"policyNum": " "}, {"policyNum": "P2"}]}));
    assert_eq!(some.len(), 1);
}

#[test]
fn policies_that_are_not_a_list_of_objects_are_rejected() {
    for odd in [
        json!({}),
        json!("P1"),
        json!(5),
        json!(["P1"]),
        json!([5]),
        json!([[]]),
    ] {
        for state in [true, false] {
            let data = json!({"state": state, "policys": odd});
            assert_eq!(refusal(3, data), Some(Reason::InvalidField), "{odd}");
        }
    }
}

#[test]
fn every_column_of_a_policy_is_read() {
    let policy = one(json!({
        "policyNum": 8800123, "productId": "101", "productName": "意外险", "planId": 11, "planName": "基础版",
        "applicant": " 赵一 ", "insurant": "赵一，钱二、孙三,", "startDate": "2026-03-02", "endDate": "2027-03-01",
        "unknown": {"kept": "in raw"},
    }));
    let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d);
    assert_eq!(policy.policy_num.as_str(), "8800123");
    assert_eq!(
        (policy.stated.product_id, policy.stated.product_name.as_deref()),
        (Some(101), Some("意外险"))
    );
    assert_eq!(
        (policy.stated.plan_id, policy.stated.plan_name.as_deref()),
        (Some(11), Some("基础版"))
    );
    assert_eq!(policy.stated.applicant.as_deref(), Some("赵一"));
    assert_eq!(
        (policy.stated.start_date, policy.stated.end_date),
        (date(2026, 3, 2), date(2027, 3, 1))
    );
    assert_eq!(Vec::from_iter(policy.persons), ["孙三", "赵一", "钱二"]);
}

#[test]
fn a_field_that_a_policy_leaves_out_is_none_and_never_empty() {
    for nothing in [json!(null), json!(""), json!(" "), json!([])] {
        let policy = one(json!({
            "policyNum": "P1", "productId": nothing, "productName": nothing, "planId": nothing, "planName": nothing,
            "applicant": nothing, "insurant": nothing, "startDate": nothing, "endDate": nothing,
        }));
        assert_eq!(policy, one(json!({"policyNum": "P1"})));
    }
}

#[test]
fn a_policy_value_that_does_not_fit_its_column_is_rejected() {
    let columns = [
        ("policyNum", 64),
        ("productName", 255),
        ("planName", 255),
        ("applicant", 255),
        ("insurant", 128),
    ];
    for (column, width) in columns {
        let of = |chars: usize| {
            let mut entry = json!({"policyNum": "P1"});
            entry[column] = json!("长".repeat(chars));
            refusal(3, json!({"policys": [entry]}))
        };
        assert_eq!(of(width), None, "{column}");
        assert_eq!(of(width + 1), Some(Reason::TooLong), "{column}");
    }
}

#[test]
fn entries_with_one_number_are_one_policy_with_the_persons_of_all() {
    let united = policies(json!({"policys": [
        {"policyNum": "P1", "insurant": "赵一", "productName": "甲"},
        {"policyNum": "P2", "insurant": "李四"},
        {"policyNum": " P1 ", "insurant": "钱二,赵一", "productName": "乙", "planName": "丙"},
    ]}));
    assert_eq!(united.len(), 2);
    assert_eq!(united[0].persons.iter().collect::<Vec<_>>(), ["赵一", "钱二"]);
    assert_eq!(
        (
            united[0].stated.product_name.as_deref(),
            united[0].stated.plan_name.as_deref()
        ),
        (Some("甲"), Some("丙"))
    );
    assert_eq!(united[1].persons.len(), 1);
}

#[test]
fn persons_are_one_text_or_a_list_of_texts() {
    let persons = |insurant: Value| one(json!({"policyNum": "P1", "insurant": insurant})).persons;
    let three = BTreeSet::from(["孙三", "赵一", "钱二"].map(str::to_owned));
    assert_eq!(persons(json!("赵一;钱二；孙三\n赵一")), three);
    assert_eq!(persons(json!(["赵一", null, "孙三､钱二", " "])), three);
    for odd in [json!(5), json!({}), json!(["赵一", 5]), json!([["赵一"]])] {
        let data = json!({"policys": [{"policyNum": "P1", "insurant": odd}]});
        assert_eq!(refusal(3, data), Some(Reason::InvalidField), "{odd}");
    }
}
