use std::collections::BTreeSet;

use base64::Engine as _;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../testkit/fixtures/notices.jsonl");

fn keys(of: &[(i64, &[&str])]) -> Keys {
    let key = |secret: &&str| Key::new(*secret).expect("a key");
    Keys(
        of.iter()
            .map(|(partner, list)| (PartnerId(*partner), list.iter().map(key).collect()))
            .collect(),
    )
}

fn check(body: &[u8], keys: &Keys) -> Result<VerifiedNotice, SignatureError> {
    let body = Bytes::copy_from_slice(body);
    verify(RawNotice::parse(&body)?, keys)
}

/// A notice with data `sent` and a signature over `signed`, which can be another text.
fn body(key: &str, sent: &str, signed: &str) -> Vec<u8> {
    let sign = Key::new(key).expect("a key").sign(signed);
    format!(r#"{{"notifyType":1,"sign":"{sign}","data":{sent}}}"#).into_bytes()
}

fn form_of(sent: &str, signed: &str) -> Result<Form, SignatureError> {
    check(&body("k", sent, signed), &keys(&[(7, &["k"])])).map(|notice| notice.form())
}

#[test]
fn every_vector_has_the_result_that_it_names() {
    let mut seen = BTreeSet::new();
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).expect("a vector");
        let (name, expect) = (vector["name"].as_str().unwrap_or_default(), &vector["expect"]);
        let body =
            base64::engine::general_purpose::STANDARD.decode(vector["body_b64"].as_str().unwrap_or_default());
        let key = vector["key"].as_str().unwrap_or_default();
        let outcome = check(&body.expect("base64"), &keys(&[(1_048_483, &[key])]));
        let expected = match &expect["result"] {
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        };
        let result = match &outcome {
            Ok(notice) => {
                assert_eq!(expect["state"], true, "{name}");
                check_notice(name, notice, expect);
                continue;
            }
            Err(SignatureError::UnknownPartner) => "unknown_partner",
            Err(SignatureError::BadSignature) => "bad_signature",
            Err(SignatureError::Malformed(_)) => "malformed",
        };
        // The receiver limits the size; here the body is an ordinary notice.
        assert!(
            expected.contains(&result.into()) || expected.contains(&"too_large".into()),
            "{name}: {result}"
        );
        assert!(seen.insert(name.to_owned()), "{name} occurs twice");
    }
    assert!(seen.len() > 15, "{} vectors are rejected", seen.len());
}

fn check_notice(name: &str, notice: &VerifiedNotice, expect: &Value) {
    assert_eq!(notice.form().name(), expect["form"], "{name}");
    assert_eq!(notice.notify_type().0, expect["notify_type"], "{name}");
    assert_eq!(notice.partner_id().0, expect["partner_id"], "{name}");
    let number = notice.insure_num().expect("it fits").map(InsureNum::as_str);
    assert_eq!(number, expect["insure_num"].as_str(), "{name}");
}

#[test]
fn the_signature_is_the_md5_of_the_key_and_the_text() {
    // `printf 'key{"a":1}' | md5sum`
    assert_eq!(
        Key::new("key").expect("a key").sign(r#"{"a":1}"#),
        "196bc88b34bd3b486f5c8de871f1d1a6"
    );
}

#[test]
fn each_form_is_found_and_the_first_match_is_named() {
    let sent = r#"{ "partnerId" : 7, "b" : 1.50, "a" : {"z":1,"y":[]} }"#;
    let compact = r#"{"partnerId":7,"b":1.50,"a":{"z":1,"y":[]}}"#;
    let sorted = r#"{"a":{"y":[],"z":1},"b":1.50,"partnerId":7}"#;
    assert_eq!(form_of(sent, sent), Ok(Form::Raw));
    assert_eq!(form_of(sent, compact), Ok(Form::Compact));
    assert_eq!(form_of(sent, sorted), Ok(Form::Sorted));
    assert_eq!(form_of(compact, compact), Ok(Form::Raw));
    assert_eq!(form_of(sorted, sorted), Ok(Form::Raw));
    assert_eq!(
        form_of(sent, r#"{"a":{"y":[],"z":1},"b":1.5,"partnerId":7}"#),
        Err(SignatureError::BadSignature)
    );
}

#[test]
fn rewritten_strings_get_minimal_escapes() {
    let sent = r#"{"partnerId":7,"name":"\u4e2d\/\"\u0001\n"}"#;
    assert_eq!(
        form_of(sent, "{\"partnerId\":7,\"name\":\"中/\\\"\\u0001\\n\"}"),
        Ok(Form::Compact)
    );
}

#[test]
fn data_in_a_string_may_be_signed_unescaped_or_as_sent() {
    let (sent, content) = (r#""{\"partnerId\": 7}""#, r#"{"partnerId": 7}"#);
    assert_eq!(form_of(sent, content), Ok(Form::String));
    assert_eq!(form_of(sent, sent), Ok(Form::Raw));
    assert_eq!(
        form_of(sent, r#"{"partnerId":7}"#),
        Err(SignatureError::BadSignature)
    );
}

#[test]
fn the_case_of_the_sign_does_not_matter_but_its_length_does() {
    let data = r#"{"partnerId":7}"#;
    let sign = Key::new("k").expect("a key").sign(data);
    let with = |sign: &str| {
        let body = format!(r#"{{"notifyType":1,"sign":"{sign}","data":{data}}}"#);
        check(body.as_bytes(), &keys(&[(7, &["k"])])).map(|_| ())
    };
    assert_eq!(with(&sign), Ok(()));
    assert_eq!(with(&sign.to_uppercase()), Ok(()));
    for wrong in [
        "",
        &sign[..30],
        &format!("{sign}00"),
        &format!(" {sign}"),
        &"z".repeat(32),
    ] {
        assert_eq!(with(wrong), Err(SignatureError::BadSignature), "{wrong:?}");
    }
}

#[test]
fn during_a_rotation_every_key_of_the_partner_verifies_and_the_index_tells_which() {
    let data = r#"{"partnerId":7}"#;
    let both = keys(&[(7, &["old", "new"]), (8, &["eight"])]);
    let index = |key: &str| check(&body(key, data, data), &both).map(|notice| notice.key_index());
    assert_eq!(index("old"), Ok(0));
    assert_eq!(index("new"), Ok(1));
    assert_eq!(
        index("eight"),
        Err(SignatureError::BadSignature),
        "a key is good for its own partner only"
    );
    let others = keys(&[(8, &["eight"])]);
    assert_eq!(
        check(&body("old", data, data), &others).map(|_| ()),
        Err(SignatureError::UnknownPartner)
    );
}

#[test]
fn forms_are_tried_before_keys() {
    let (sent, sorted) = (r#"{"partnerId":7,"a":1}"#, r#"{"a":1,"partnerId":7}"#);
    let both = keys(&[(7, &["old", "new"])]);
    let found = |key, signed| check(&body(key, sent, signed), &both).map(|n| (n.form(), n.key_index()));
    assert_eq!(found("new", sent), Ok((Form::Raw, 1)));
    assert_eq!(found("old", sorted), Ok((Form::Sorted, 0)));
}

#[test]
fn a_length_extension_is_not_json_and_fails() {
    // MD5 padding appends 0x80, NULs and a length.
    let mut extended = body("k", r#"{"partnerId":7}"#, r#"{"partnerId":7}"#);
    extended.pop();
    extended.extend_from_slice(b"\x80\0\0\0\0\0\0\0\x88}");
    assert!(matches!(
        check(&extended, &keys(&[(7, &["k"])])),
        Err(SignatureError::Malformed(_))
    ));
}

#[test]
fn a_blank_key_cannot_be_made_and_no_key_is_shown() {
    assert!(Key::new("").is_none() && Key::new(" \t").is_none());
    assert!(!format!("{:?}", keys(&[(7, &["hush"])])).contains("hush"));
}

fn arbitrary_data() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<String>().prop_map(|s| Value::from(s).to_string()),
        Just("null".to_owned()),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[ {} ]", items.join(",")))
    });
    proptest::collection::btree_map("[a-z]{1,6}", value, 0..5).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(k, v)| format!(r#""{k}": {v}"#)).collect();
        format!(
            r#"{{"partnerId":7{}{}}}"#,
            if members.is_empty() { "" } else { "," },
            members.join(", ")
        )
    })
}

proptest! {
    #[test]
    fn any_data_that_a_partner_signs_verifies_in_every_form(data in arbitrary_data(), key in "[!-~]{1,40}") {
        let keys = keys(&[(7, &[&key])]);
        let value = crate::json::Json::parse(&data).expect("JSON");
        let quoted = Value::from(data.clone()).to_string();
        prop_assert_eq!(check(&body(&key, &data, &data), &keys).map(|n| n.form()), Ok(Form::Raw));
        prop_assert!(check(&body(&key, &data, &value.compact()), &keys).is_ok());
        prop_assert!(check(&body(&key, &data, &value.sorted()), &keys).is_ok());
        prop_assert!(check(&body(&key, &quoted, &data), &keys).is_ok());
    }

    #[test]
    fn no_changed_byte_of_data_or_sign_verifies(data in arbitrary_data(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut notice = body("k", &data, &data);
        let (keys, original) = (keys(&[(7, &["k"])]), check(&notice, &keys(&[(7, &["k"])])));
        // The signature covers neither `notifyType` nor the case of `sign`.
        let start = r#"{"notifyType":1,"sign":""#.len();
        let at = start + at.index(notice.len() - 1 - start);
        let before = notice[at];
        notice[at] ^= flip;
        prop_assume!(!(before.is_ascii_alphabetic() && at < start + 32 && flip == 0x20));
        if let (Ok(changed), Ok(original)) = (check(&notice, &keys), original) {
            // A rewritten form accepts another spelling, but never other content.
            prop_assert_eq!(changed.digest(), original.digest());
            prop_assert_ne!(changed.form(), Form::Raw);
        }
    }
}

#[test]
fn a_partner_in_any_spelling_is_verified_with_its_key() {
    for spelled in [
        "7700123",
        "7700123.0",
        "7.700123e6",
        "\"7700123\"",
        "\"7700123.0\"",
    ] {
        let data = format!(r#"{{"partnerId":{spelled},"state":true,"insureNum":"20260101000106"}}"#);
        let notice = check(
            &body("k-of-a-test", &data, &data),
            &keys(&[(7_700_123, &["k-of-a-test"])]),
        );
        let notice = notice.expect(spelled);
        assert_eq!(
            (notice.partner_id(), notice.form()),
            (PartnerId(7_700_123), Form::Raw),
            "{spelled}"
        );
    }
}
