use super::*;
use crate::samples::arrival;

fn person(policy_num: &str, name: &str) -> PersonKey {
    PersonKey {
        policy_num: num(policy_num),
        name: name.to_owned(),
    }
}

fn persons(rows: &Rows) -> Vec<(&str, &str, bool)> {
    let of = |(key, row): (_, &_)| {
        let (PersonKey { policy_num, name }, PersonRow { cancelled }): (&PersonKey, &PersonRow) = (key, row);
        (policy_num.as_str(), name.as_str(), *cancelled)
    };
    rows.insured_persons.iter().map(of).collect()
}

/// Two issue notices that disagree, with the minutes of their receipt, delivered in this order.
fn disagreeing(first: (Value, i64), second: (Value, i64)) -> Ledger {
    let mut ledger = ledger();
    for (entry, received) in [first, second] {
        let data = json!({"policys": [with(entry, "policyNum", "P1")]});
        ledger.deliver(arrival(3, data, at(received)), at(100), &Rules::default());
    }
    ledger.settle(at(1000), &Rules::default());
    ledger
}

#[test]
fn if_two_issues_disagree_the_one_received_later_wins_column_by_column() {
    let early =
        || json!({"productName": "旧", "planName": "旧", "insurant": "赵一,钱二", "startDate": "2026-01-01"});
    let late = || json!({"productName": "新", "insurant": "孙三", "applicant": "赵一"});
    for ledger in [
        disagreeing((early(), 1), (late(), 2)),
        disagreeing((late(), 2), (early(), 1)),
    ] {
        let rows = Rows::of(&ledger);
        let policy = &rows.policies[&num("P1")];
        assert_eq!(
            (policy.product_name.as_deref(), policy.plan_name.as_deref()),
            (Some("新"), Some("旧"))
        );
        assert_eq!(
            (policy.applicant.as_deref(), policy.start_date.is_some()),
            (Some("赵一"), true)
        );
        assert_eq!(persons(&rows), [("P1", "孙三", false)]);
        let mut columns: Vec<_> = disagreements(&ledger)
            .into_iter()
            .map(|d| (d.column, d.believed, d.passed_over))
            .collect();
        columns.sort();
        let expected = [
            ("insured_persons", "孙三", "赵一、钱二"),
            ("product_name", "新", "旧"),
        ];
        assert_eq!(
            columns,
            expected.map(|(column, new, old)| (column, new.to_owned(), old.to_owned()))
        );
    }
}

#[test]
fn a_copy_received_earlier_moves_the_receipt_of_its_notice_back() {
    let mut ledger = disagreeing((json!({"planName": "甲"}), 5), (json!({"planName": "乙"}), 6));
    let plan = |ledger: &Ledger| Rows::of(ledger).policies[&num("P1")].plan_name.clone();
    assert_eq!(plan(&ledger).as_deref(), Some("乙"));
    let data = json!({"policys": [{"planName": "乙", "policyNum": "P1"}]});
    ledger.deliver(arrival(3, data, at(1)), at(2000), &Rules::default());
    assert_eq!(plan(&ledger).as_deref(), Some("甲"));
}

#[test]
fn issues_that_state_different_columns_do_not_disagree() {
    let ledger = disagreeing(
        (json!({"planName": "甲", "insurant": "赵一"}), 1),
        (json!({"productName": "乙"}), 2),
    );
    assert_eq!(disagreements(&ledger), []);
    let rows = Rows::of(&ledger);
    assert_eq!(persons(&rows), [("P1", "赵一", false)]);
    assert_eq!(rows.policies[&num("P1")].plan_name.as_deref(), Some("甲"));
}

#[test]
fn a_failed_issue_makes_no_policy() {
    let rows = rows(&[(3, with(policy("赵一"), "state", false))]);
    assert!(rows.policies.is_empty() && rows.insured_persons.is_empty());
    assert_eq!(rows.proposals.len(), 1);
}

#[test]
fn a_cancelled_name_is_cancelled_in_every_policy_that_insures_it() {
    let two = json!({"policys": [
        {"policyNum": "P1", "insurant": "赵一,钱二"}, {"policyNum": "P2", "insurant": "赵一"}, {"policyNum": "P3"},
    ]});
    let rows = rows(&[(4, json!({"cancelInsurants": ["赵一", "无名"]})), (3, two)]);
    assert_eq!(
        persons(&rows),
        [("P1", "赵一", true), ("P1", "钱二", false), ("P2", "赵一", true)]
    );
    assert!(rows.policies.values().all(|policy| !policy.cancelled));
    assert!(!rows.insured_persons.contains_key(&person("P3", "赵一")));
}

#[test]
fn only_a_full_cancellation_or_a_reissue_cancels_the_policies() {
    let cancelled = |notify_type, data: Value| {
        let rows = rows(&[(3, policy("赵一")), (notify_type, data)]);
        (
            rows.policies[&num("P1")].cancelled,
            rows.insured_persons[&person("P1", "赵一")].cancelled,
        )
    };
    assert_eq!(cancelled(4, json!({})), (true, false));
    assert_eq!(cancelled(4, json!({"cancelInsurants": ["赵一"]})), (false, true));
    assert_eq!(cancelled(5, json!({"newInsureNum": "B"})), (true, false));
    assert_eq!(
        cancelled(5, json!({"newInsureNum": "B", "cancelInsurants": ["赵一"]})),
        (true, true)
    );
    for failed in [4, 5] {
        assert_eq!(
            cancelled(failed, json!({"state": false, "cancelInsurants": ["赵一"]})),
            (false, false)
        );
    }
}

#[test]
fn a_policy_issued_after_the_cancellation_is_cancelled() {
    let rows = rows(&[(4, json!({})), (3, policy("赵一"))]);
    assert!(rows.policies[&num("P1")].cancelled);
}

fn unmatched(notices: &[(i64, Value)]) -> Vec<String> {
    rows(notices)
        .unmatched_persons
        .into_values()
        .map(|row| row.names)
        .collect()
}

#[test]
fn a_person_in_another_spelling_is_cancelled_and_each_name_stays_as_it_came() {
    let rows = rows(&[
        (3, policy("艾力·买买提,艾力．买买提,钱乙")),
        (4, json!({"cancelInsurants": ["艾力•买买提"]})),
    ]);
    assert_eq!(
        persons(&rows),
        [
            ("P1", "艾力·买买提", true),
            ("P1", "艾力．买买提", true),
            ("P1", "钱乙", false)
        ]
    );
    assert!(rows.unmatched_persons.is_empty());
}

#[test]
fn a_cancelled_person_who_is_in_no_policy_is_on_record_until_the_facts_say_otherwise() {
    let leaves = || (4, json!({"cancelInsurants": ["赵一", "无名"]}));
    let nobody = || vec!["[\"无名\"]".to_owned()];
    assert_eq!(unmatched(&[(3, policy("赵一")), leaves()]), nobody());
    assert_eq!(unmatched(&[leaves()]), ["[\"无名\",\"赵一\"]"]);
    assert_eq!(
        unmatched(&[(3, policy("赵一,无 名")), leaves()]),
        Vec::<String>::new()
    );
    let later = json!({"policys": [{"policyNum": "P2", "insurant": "无名"}]});
    assert_eq!(
        unmatched(&[(3, policy("赵一")), leaves(), (3, later)]),
        Vec::<String>::new()
    );
    for whole in [(4, json!({})), (5, json!({"newInsureNum": "B"}))] {
        assert_eq!(
            unmatched(&[(3, policy("赵一")), leaves(), whole]),
            Vec::<String>::new()
        );
    }
    let failed = (4, json!({"state": false, "cancelInsurants": ["无名"]}));
    assert_eq!(unmatched(&[(3, policy("赵一")), failed]), Vec::<String>::new());
    let others = (4, json!({"cancelInsurants": ["无名氏"]}));
    assert_eq!(unmatched(&[(3, policy("赵一")), leaves(), others]).len(), 2);
}

#[test]
fn voiding_the_cancellation_takes_an_unmatched_person_off_the_record() {
    let mut ledger = settled(&[(3, policy("赵一")), (4, json!({"cancelInsurants": ["无名"]}))]);
    let digest = ledger
        .applied()
        .map(|entry| &entry.notice)
        .find(|notice| notice.step.notify_type().0 == 4);
    let digest = digest.expect("a cancellation").digest.clone();
    assert_eq!(Rows::of(&ledger).unmatched_persons.len(), 1);
    assert!(ledger.set_voided(&digest, true));
    assert!(Rows::of(&ledger).unmatched_persons.is_empty());
}
