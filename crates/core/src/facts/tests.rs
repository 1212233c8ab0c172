use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Value, json};

use super::*;
use crate::samples::{body, notice, payment, policy, read};

mod dates;
mod issue;
mod money;
mod numbers;
mod page;
mod persons;

/// The reason why a notice is rejected; `None` if it is valid.
fn refusal(notify_type: i64, data: Value) -> Option<Reason> {
    read(notify_type, data).err().map(|rejection| rejection.reason)
}

/// The data with one more member.
fn with(mut data: Value, key: &str, value: Value) -> Value {
    data[key] = value;
    data
}

fn read_text(text: &str) -> Result<Notice, Rejection> {
    Notice::read(&Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn a_notice_without_state_is_incomplete_except_an_abnormality() {
    let whole = [
        (1, json!({})),
        (2, payment()),
        (3, policy("赵一")),
        (4, json!({})),
        (9, json!({})),
    ];
    let whole = whole
        .into_iter()
        .chain([(5, json!({"newInsureNum": "B"})), (26, json!({"status": 1}))]);
    for (notify_type, data) in whole {
        assert_eq!(refusal(notify_type, data.clone()), None, "{notify_type}");
        for nothing in [json!(null), json!(""), json!("  "), json!([])] {
            assert_eq!(
                refusal(notify_type, with(data.clone(), "state", nothing)),
                Some(Reason::Incomplete)
            );
        }
    }
    for anything in [json!(null), json!(false), json!("perhaps")] {
        assert!(notice(27, json!({"state": anything})).success);
    }
}

#[test]
fn state_may_be_quoted_but_must_be_true_or_false() {
    assert!(notice(1, json!({"state": "true"})).success);
    assert!(!notice(1, json!({"state": "false"})).success);
    for odd in [json!("yes"), json!(1), json!("TRUE"), json!({}), json!([true])] {
        assert_eq!(
            refusal(1, json!({"state": odd})),
            Some(Reason::InvalidField),
            "{odd}"
        );
    }
}

#[test]
fn a_reissue_needs_the_new_number_only_where_it_succeeds() {
    for nothing in [json!(null), json!(""), json!("\t"), json!([])] {
        let data = json!({"newInsureNum": nothing});
        assert_eq!(refusal(5, data.clone()), Some(Reason::Incomplete));
        assert_eq!(refusal(5, with(data, "state", json!(false))), None);
    }
    let explicit_null = r#"{"notifyType":5,"sign":"","data":{"insureNum":"A","partnerId":7,"state":true,"newInsureNum":null}}"#;
    assert_eq!(
        read_text(explicit_null).expect_err("no number").reason,
        Reason::Incomplete
    );
}

#[test]
fn a_reissue_into_itself_is_invalid_unless_it_failed() {
    assert_eq!(
        refusal(5, json!({"newInsureNum": " A "})),
        Some(Reason::InvalidField)
    );
    assert_eq!(
        refusal(5, json!({"insureNum": "12", "newInsureNum": 12})),
        Some(Reason::InvalidField)
    );
    assert_eq!(refusal(5, json!({"newInsureNum": "A", "state": false})), None);
}

#[test]
fn only_a_successful_reissue_names_a_successor() {
    let leads = |notify_type, state: bool| {
        let read = notice(
            notify_type,
            json!({"newInsureNum": 20260301000002_i64, "state": state}),
        );
        read.reissued_to().map(ToString::to_string)
    };
    assert_eq!(leads(5, true).as_deref(), Some("20260301000002"));
    assert_eq!(leads(5, false), None);
    assert_eq!(leads(4, true), None);
}

#[test]
fn an_endorsement_needs_a_status_that_is_a_number() {
    for nothing in [json!(null), json!(""), json!([])] {
        assert_eq!(refusal(26, json!({"status": nothing})), Some(Reason::Incomplete));
    }
    for odd in [json!("done"), json!(1.5), json!(true), json!({}), json!("4 5")] {
        assert_eq!(
            refusal(26, json!({"status": odd})),
            Some(Reason::InvalidField),
            "{odd}"
        );
    }
    let Fact::Endorsement(endorsement) = notice(26, json!({"status": " 4 ", "msg": 17})).fact else {
        panic!("an endorsement");
    };
    assert_eq!(
        (endorsement.status, endorsement.msg.as_deref(), endorsement.remark),
        (4, Some("17"), None)
    );
}

#[test]
fn only_text_or_a_whole_number_names_the_proposal() {
    assert_eq!(
        notice(1, json!({"insureNum": 20260301000001_i64}))
            .insure_num
            .as_str(),
        "20260301000001"
    );
    assert_eq!(
        notice(1, json!({"insureNum": " X-1 "})).insure_num.as_str(),
        "X-1"
    );
    for absent in [json!(null), json!(" ")] {
        assert_eq!(refusal(1, json!({"insureNum": absent})), Some(Reason::Incomplete));
    }
    for odd in [json!(1.5), json!(-1), json!(1e30), json!({}), json!(true)] {
        assert_eq!(
            refusal(1, json!({"insureNum": odd})),
            Some(Reason::InvalidField),
            "{odd}"
        );
    }
}

#[test]
fn a_value_is_rejected_only_if_it_does_not_fit_its_column() {
    let of = |chars: usize| json!("长".repeat(chars));
    let columns = [
        (1, json!({}), "insureNum", 64),
        (1, json!({}), "partnerUniqueKey", 128),
        (1, json!({}), "caseCode", 128),
        (2, payment(), "failMsg", 4000),
        (4, json!({}), "cancelMsg", 4000),
        (4, json!({}), "failMsg", 4000),
        (5, json!({}), "newInsureNum", 64),
        (26, json!({"status": 1}), "msg", 4000),
        (26, json!({"status": 1}), "remark", 4000),
        (27, json!({}), "failMsg", 4000),
    ];
    for (notify_type, data, column, width) in columns {
        assert_eq!(
            refusal(notify_type, with(data.clone(), column, of(width))),
            None,
            "{column}"
        );
        let too_long = read(notify_type, with(data, column, of(width + 1))).expect_err("too long");
        assert_eq!(too_long.reason, Reason::TooLong, "{column}");
        assert!(too_long.detail.contains(column), "{too_long}");
    }
}

#[test]
fn a_field_without_a_column_is_never_too_long() {
    let long = json!("长".repeat(100_000));
    for notify_type in [1, 9] {
        assert_eq!(
            refusal(notify_type, json!({"failMsg": long, "otherInfo": long})),
            None
        );
    }
    assert_eq!(refusal(3, with(policy("赵一"), "failMsg", long)), None);
}

#[test]
fn a_repeated_key_is_rejected_at_any_depth() {
    let data = |inner: &str| {
        format!(r#"{{"notifyType":3,"sign":"","data":{{"partnerId":7,"insureNum":"A",{inner}}}}}"#)
    };
    let twice = [
        r#""state":true,"state":true"#,
        r#""state":false,"x":1,"x":2"#,
        r#""state":true,"policys":[{"policyNum":"P1","policyNum":"P2"}]"#,
        r#""state":true,"policys":[{"policyNum":"P1","\u0070olicyNum":"P2"}]"#,
        r#""state":false,"otherInfo":{"a":[{"b":1,"b":1}]}"#,
    ];
    for inner in twice {
        assert_eq!(
            read_text(&data(inner)).expect_err("twice").reason,
            Reason::InvalidField,
            "{inner}"
        );
    }
    assert!(read_text(&data(r#""state":false,"a":{"b":1},"c":{"b":1}"#)).is_ok());
}

#[test]
fn the_detail_of_a_repeated_key_shows_documented_names_only() {
    let detail = |inner: &str| {
        let body = format!(r#"{{"notifyType":3,"sign":"","data":{{"partnerId":7,{inner}}}}}"#);
        read_text(&body).expect_err("twice").detail
    };
    let policies = r#""policys":[{"policyNum":"P1","policyNum":"P2"}]"#;
    assert_eq!(detail(policies), "the key policys.policyNum occurs twice");
    assert_eq!(
        detail(r#""otherInfo":{"张三":1,"张三":2}"#),
        "the key otherInfo.… occurs twice"
    );
}

#[test]
fn data_in_a_string_is_the_same_notice() {
    let object = body(9, json!({"caseCode": "案"}));
    let envelope: Value = serde_json::from_slice(&object).expect("JSON");
    let string = json!({"notifyType": 9, "sign": "", "data": envelope["data"].to_string()});
    assert_eq!(read_text(&string.to_string()), Notice::read(&object));
}

#[test]
fn anything_but_a_notice_is_unreadable() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"notifyType":1,"sign":"","data":[]}"#,
        r#"{"notifyType":1,"sign":"","data":{}}"#,
    ] {
        assert_eq!(
            read_text(text).expect_err("no notice").reason,
            Reason::Unreadable,
            "{text}"
        );
    }
    assert_eq!(refusal(31, json!({})), Some(Reason::Unreadable));
}

#[test]
fn a_rejection_names_fields_and_never_repeats_their_values() {
    let secret = "张某某";
    let refused = [
        (2, with(payment(), "price", json!(secret))),
        (2, with(payment(), "payTime", json!(secret))),
        (3, policy(&secret.repeat(100))),
        (3, json!({"policys": secret})),
        (4, json!({"cancelInsurants": [{"name": secret}]})),
        (26, json!({"status": secret})),
        (1, json!({"partnerUniqueKey": secret.repeat(100)})),
    ];
    for (notify_type, data) in refused {
        let rejection = read(notify_type, data).expect_err("refused");
        assert!(!rejection.detail.contains(secret), "{rejection}");
    }
}
