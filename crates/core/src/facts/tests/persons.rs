use std::collections::BTreeSet;

use super::*;

fn leaving(data: Value) -> Result<Vec<String>, Reason> {
    match read(4, data).map_err(|rejection| rejection.reason)?.fact {
        Fact::Cancelled(cancellation) => Ok(cancellation.insurants.into_iter().collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_are_trimmed_sorted_and_distinct() {
    let names =
        leaving(json!({"cancelInsurants": [" 赵一", "钱二 ", "赵一", "Li Si", "", null, "\u{3000}孙三"]}));
    assert_eq!(names.expect("names"), ["Li Si", "孙三", "赵一", "钱二"]);
}

#[test]
fn one_text_may_hold_several_names_and_replace_the_list() {
    for stated in [
        json!(["赵一,钱二，孙三、李四"]),
        json!("赵一,钱二，孙三、李四"),
        json!(["赵一、钱二", "孙三，,李四、"]),
    ] {
        let names = leaving(json!({"cancelInsurants": stated})).expect("names");
        assert_eq!(names, ["孙三", "李四", "赵一", "钱二"]);
    }
}

#[test]
fn absent_null_and_blank_names_cancel_the_whole_proposal() {
    for stated in [
        json!(null),
        json!(""),
        json!([]),
        json!([null]),
        json!(["", "  "]),
    ] {
        assert_eq!(leaving(json!({"cancelInsurants": stated})), Ok(vec![]));
    }
    let explicit_null = r#"{"notifyType":4,"sign":"","data":{"insureNum":"A","partnerId":7,"state":true,"cancelInsurants":null}}"#;
    assert!(read_text(explicit_null).is_ok());
}

#[test]
fn unreadable_names_never_cancel_the_whole_proposal() {
    for odd in [
        json!({}),
        json!(5),
        json!(false),
        json!([5]),
        json!([{}]),
        json!([["赵一"]]),
        json!(["赵一", true]),
    ] {
        for (notify_type, state) in [(4, true), (4, false), (5, true)] {
            let data = json!({"cancelInsurants": odd, "state": state, "newInsureNum": "B"});
            assert_eq!(refusal(notify_type, data), Some(Reason::InvalidField), "{odd}");
        }
    }
}

#[test]
fn a_list_of_leaving_persons_that_does_not_fit_its_column_is_rejected() {
    // Quotes and brackets take four bytes, so 65,531 are left for one name.
    let fits = "a".repeat(65_531);
    let data = |name: &str| json!({"cancelInsurants": [name]});
    assert_eq!(refusal(4, data(&fits)), None);
    assert_eq!(refusal(4, data(&format!("{fits}a"))), Some(Reason::TooLong));
}

#[test]
fn leaving_persons_are_written_as_a_sorted_json_array() {
    let Fact::Cancelled(cancellation) = notice(4, json!({"cancelInsurants": ["钱二", "赵\"一", "A"]})).fact
    else {
        panic!("a cancellation");
    };
    assert_eq!(
        cancellation.insurants_json().as_deref(),
        Some(r#"["A","赵\"一","钱二"]"#)
    );
    let whole = Cancellation {
        insurants: BTreeSet::new(),
        ..cancellation
    };
    assert_eq!(whole.insurants_json(), None);
}

#[test]
fn a_number_counts_as_text_by_its_digits_in_every_spelling() {
    let key = |spelled: &str| {
        let text = format!(
            r#"{{"notifyType":1,"sign":"","data":{{"insureNum":"A","partnerId":7,"state":true,"partnerUniqueKey":{spelled}}}}}"#
        );
        read_text(&text)
    };
    for (spelled, digits) in [
        ("0", "0"),
        ("-0", "0"),
        ("-5", "-5"),
        ("1.0", "1"),
        ("1e0", "1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ] {
        assert_eq!(
            key(spelled).expect("text").partner_unique_key.as_deref(),
            Some(digits)
        );
    }
    for odd in ["12.5", "1e30", "true", "{}", "[1]"] {
        assert_eq!(
            key(odd).expect_err("no text").reason,
            Reason::InvalidField,
            "{odd}"
        );
    }
}
